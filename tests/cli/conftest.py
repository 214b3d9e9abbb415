"""The command line in this process, in front of a registry that no test changes."""

import copy
import hashlib
import json
import logging
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import command
from tests.factories import RegistryBuilder, dwi_files, make_registry, nifti_bytes, wav_bytes

from neurogister.cli.application import run

HOSTILE = "Bad \u202e title\nin two \u200b lines"


@dataclass
class Result:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def rows(self) -> list[list[str]]:
        """What stood between tabs."""
        return [line.split("\t") for line in self.lines]

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        return [json.loads(line) for line in self.lines]

    @property
    def error(self) -> dict[str, Any]:
        """The error, as ``--json`` has it on standard error: its last line."""
        return json.loads(self.err.splitlines()[-1])["error"]


Invoke = Callable[..., Result]


@pytest.fixture
def invoke(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Invoke:
    """Run a command in this process, to the letter as `neurogister` does it."""

    def invoke(*arguments: str | Path, cwd: Path | None = None) -> Result:
        capfd.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["neurogister", *map(str, arguments)])
            patch.setattr(sys, "excepthook", sys.__excepthook__)
            if cwd is not None:
                patch.chdir(cwd)
            with pytest.raises(SystemExit) as ended:
                run()
        captured = capfd.readouterr()
        logger = logging.getLogger("neurogister")
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.NOTSET)
        return Result(int(ended.value.code or 0), captured.out, captured.err)

    return invoke


@pytest.fixture
def complete(invoke, monkeypatch):
    def complete(cwd, *words):
        monkeypatch.setenv("_NEUROGISTER_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", " ".join(["neurogister", *map(str, words)]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        result = invoke(cwd=cwd)
        assert (result.status, result.err) == (0, "")
        return result.out.split()

    return complete


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> RegistryBuilder:
    """A registry with one of each kind; for looking at only."""
    return build_registry(tmp_path_factory.mktemp("shared") / "registry")


@pytest.fixture
def registry(shared: RegistryBuilder, tmp_path: Path) -> RegistryBuilder:
    """The same registry, for one test to change: its remote is still shared."""
    shutil.copytree(shared.root, tmp_path / "registry", symlinks=True)
    builder = copy.deepcopy(shared)
    builder.root = tmp_path / "registry"
    return builder


def build_registry(root: Path) -> RegistryBuilder:
    """Build the registry of these tests.

    Two collections with records and history, a package in two versions, a bare pointer, a resource
    outside DVC, one dataset that is deprecated and one that is withdrawn.
    """
    registry = make_registry(root)
    registry.add_collection("mni152", title="Templates", license="CC-BY-4.0")
    registry.add_file("mni152/t1.nii.gz", nifti_bytes(seed=1), id="mni-T1", dtype="t1w", title="T1")
    registry.add_file("mni152/t2.nii.gz", nifti_bytes(seed=2), id="mni-t2", title=HOSTILE)
    registry.add_folder(
        "scans/sub-01/dwi", {**dwi_files(), "extra/note.txt": b"a note\n"}, id="dwi1"
    )
    registry.add_file("scans/bare.wav", wav_bytes(seed=1), record=False)
    registry.add_package("lab/tests", ["mni-T1", ("dwi1", "dwi.bval", "bvals")], title="Tests")
    registry.commit("Add data", tag="v1")
    registry.new_version("mni152/t1.nii.gz", nifti_bytes(seed=3), note="straightened")
    registry.new_version("scans/bare.wav", wav_bytes(seed=2))
    registry.new_version(
        "scans/sub-01/dwi", {**dwi_files(seed=9), "extra/other.txt": b"another\n"}, note="again"
    )
    registry.add_package("lab/tests", ["mni-T1", "dwi1"], "1.1.0", note="the whole acquisition")
    registry.add_file("old/first.wav", wav_bytes(seed=3), id="old-1", status="deprecated")
    registry.add_file("old/gone.wav", wav_bytes(seed=4), id="gone-1", status="withdrawn")
    registry.change_record(
        "old/gone.wav", withdrawn={"date": "2024-02-01", "by": "A", "reason": "a face in it"}
    )
    registry.write(
        "data/old/tape.nii.yaml",
        "id: tape-1\ntitle: On a tape\ndtype: t1w\n"
        "locations:\n- archive: attic\n  address: box/7\n",
    )
    registry.commit("Change data")
    return registry


def snapshot(*folders: Path) -> dict[str, str]:
    """Return what lies in folders: every file's path, kind, time and content."""
    found = {}
    for folder in folders:
        for path in [folder, *folder.rglob("*")]:
            if path.is_symlink():
                found[str(path)] = f"-> {os.readlink(path)}"
            elif path.is_file():
                digest = hashlib.md5(path.read_bytes()).hexdigest()
                found[str(path)] = f"{path.stat().st_mtime_ns} {digest}"
            elif path.exists():
                found[str(path)] = "folder"
    return found


def run_on_terminal(*arguments: str | Path, cwd: Path, columns: int = 80) -> tuple[int, str]:
    """Run the real command on a pseudo-terminal; return its status and all that it wrote."""
    if os.name == "nt":
        pytest.skip("there are no pseudo-terminals")
    import pty
    import termios
    from fcntl import ioctl

    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    variables = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    process = subprocess.Popen(
        command(*arguments),
        cwd=cwd,
        env=variables | {"TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    output = b""
    with suppress(OSError):  # Linux tells so that the other side is closed
        while data := os.read(ours, 65536):
            output += data
    os.close(ours)
    return process.wait(60), output.decode("utf-8").replace("\r\n", "\n")
