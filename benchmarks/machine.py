"""What the figures were measured on, and with."""

from __future__ import annotations

import compileall
import os
import platform
import subprocess
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from .bench import find
from .model import BenchmarkError

PROGRAMS = {
    "neurogister": "--version",
    "dvc": "--version",
    "s5cmd": "version",
    "rclone": "version",
    "git": "--version",
}
LIBRARIES = ("obstore", "dvc-s3")


def describe(work: Path) -> dict[str, str]:
    """Return the machine and the version of each program, by name."""
    facts = {
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "processor": f"{_processor()}, {_cores()} cores",
        "memory": f"{_memory() / 1e9:.0f} GB",
        "file system": _file_system(work),
        "load at the start": f"{os.getloadavg()[0]:.2f}",
        "python": platform.python_version(),
    }
    facts |= {name: _program_version(name, option) for name, option in PROGRAMS.items()}
    return facts | {name: _library_version(name) for name in LIBRARIES}


def compile_us() -> None:
    """Make our .pyc files, which an installer makes for the others."""
    spec = find_spec("neurogister")
    if spec is not None and spec.submodule_search_locations:
        compileall.compile_dir(spec.submodule_search_locations[0], quiet=2)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    lines = _lines("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "processor unknown"


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _file_system(folder: Path) -> str:
    """Return the kind of file system that a folder is on."""
    mounts = [line.split()[1:3] for line in _lines("/proc/mounts")]
    fitting = [(len(point), kind) for point, kind in mounts if folder.is_relative_to(point)]
    return max(fitting)[1] if fitting else "unknown"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text("utf-8").splitlines()
    except OSError:
        return []


def _program_version(name: str, option: str) -> str:
    return _or_missing(lambda: _first_line(find(name), option))


def _first_line(*command: str) -> str:
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]
    return said.removeprefix("git version ").removeprefix("rclone ")


def _library_version(name: str) -> str:
    return _or_missing(lambda: version(name))


def _or_missing(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except (BenchmarkError, OSError, subprocess.SubprocessError, PackageNotFoundError):
        return "not here"
