"""A registry as its users have it: with real dvc, real git and neurogister in its work tree."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.factories import RegistryBuilder, dwi_files, make_registry, nifti_bytes

import neurogister
from neurogister.actions.pull import PullReport
from neurogister.errors import collect_errors

BATCH = Path(__file__).with_name("run_dvc.py")
SCRIPT = b"#!/bin/sh\necho hello\n"

FILES = {
    "mni152/t1.nii.gz": nifti_bytes(),
    "mni152/read me (é, 脳).txt": "fünf\n".encode(),
    "mni152/empty.txt": b"",
    "mni152/run.sh": SCRIPT,
}
FOLDERS = {
    "sub-01/dwi": dwi_files() | {"deep er/naïve/脳.txt": b"brain\n", "nothing": b""},
    "sub-01/none": {},
}
PACKAGE = "vendor/package"
MEMBERS = [
    "mni152/t1.nii.gz",
    ("sub-01/dwi", "dwi.bval", "bvals"),
    ("sub-01/dwi", "deep er", "deep er"),
]


class Done(NamedTuple):
    """How a program ended, and what it said."""

    status: int
    output: str
    errors: str = ""

    def ok(self) -> str:
        """Return what it said; it must have ended well."""
        assert self.status == 0, self.output + self.errors
        return self.output


@dataclass(frozen=True)
class Trace:
    """What tells that a file was not written again."""

    inode: int
    mtime_ns: int
    size: int
    link: str | None = None


def traces(*folders: Path) -> dict[str, Trace]:
    """Return every file and link below folders, without our own working files."""
    return {str(path): _trace(path) for path in _walk(folders)}


def contents(*folders: Path) -> dict[str, str]:
    """Return every file below folders with its content's digest; links and folders too."""
    found = {}
    for path in _walk(folders, with_folders=True):
        if path.is_symlink():
            found[str(path)] = f"link to {os.readlink(path)}"
        elif not path.is_file():
            found[str(path)] = "folder" if path.is_dir() else "special"
        else:
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _trace(path: Path) -> Trace:
    status = path.lstat()
    link = os.readlink(path) if path.is_symlink() else None
    return Trace(status.st_ino, status.st_mtime_ns, status.st_size, link)


def _walk(folders: Sequence[Path], *, with_folders: bool = False) -> Iterator[Path]:
    for folder in folders:
        for parent, inner, names in os.walk(folder):
            if ".git" in inner:
                inner.remove(".git")
            links = [name for name in inner if Path(parent, name).is_symlink()]
            folders_too = inner if with_folders else links
            yield from (Path(parent, name) for name in [*names, *folders_too])


class Checkout:
    """A work tree, to be worked in by dvc and neurogister."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def cache(self) -> Path:
        """Where DVC's cache is, if nothing else is configured."""
        return self.root / ".dvc" / "cache"

    def dvc(self, *commands: str | Sequence[str]) -> list[Done]:
        """Run dvc commands one after the other: ``dvc("status", ["pull", "NAME"])``."""
        lists = [c.split() if isinstance(c, str) else list(c) for c in commands]
        done = subprocess.run(
            [sys.executable, str(BATCH), json.dumps(lists)],
            cwd=self.root, capture_output=True, check=False, encoding="utf-8",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [Done(*result) for result in json.loads(done.stdout)]

    def neurogister(self, *arguments: str, cwd: Path | None = None) -> Done:
        """Run the program, as a person does."""
        done = subprocess.run(
            [sys.executable, "-m", "neurogister", *arguments],
            cwd=cwd or self.root, capture_output=True, check=False, encoding="utf-8",
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    def pull(self, *names: str, **options: object) -> PullReport:
        """Pull as a script does; what failed is raised."""
        return pull(self.root, *names, **options)

    def verify(self, *names: str) -> set[str]:
        """Return the different verdicts on what is here."""
        with neurogister.open(self.root) as registry:
            return {verdict.status for verdict in registry.verify(names or None)}

    def files(self) -> dict[str, Trace]:
        """Return the files in the places of data, and in the cache, as they are."""
        own = {f"{self.cache}/neurogister"}
        found = traces(self.root / "data", self.root / "store", self.cache)
        return {path: trace for path, trace in found.items() if not path.startswith(tuple(own))}

    def data(self, *parts: str) -> Path:
        """Return a path below ``data/``."""
        return self.root.joinpath("data", *parts)


def pull(
    place: Path | str, *names: str, rev: str | None = None, offline: bool = False, **options: object
) -> PullReport:
    """Pull from a registry as a script does; what failed is raised."""
    with neurogister.open(place, rev=rev, offline=offline or None) as registry:
        report = registry.pull(names or None, **options)
    if report.errors:
        raise collect_errors(report.errors, len(report.pulled))
    return report


def make_rich_registry(root: Path, **options: object) -> RegistryBuilder:
    """Make a registry with one of everything that pointers can be about."""
    registry = make_registry(root, **options)
    record = not options.get("plain")
    for name, data in FILES.items():
        registry.add_file(name, data, record=record)
    for name, files in FOLDERS.items():
        registry.add_folder(name, files, record=record)
    registry.add_package(PACKAGE, MEMBERS)
    mark_executable(registry, "mni152/run.sh")
    registry.commit("Add one of everything")
    return registry


def mark_executable(registry: RegistryBuilder, name: str) -> None:
    """Write ``isexec`` into a pointer, as ``dvc add`` does for an executable."""
    path = registry.pointer_path(name)
    text = path.read_text("utf-8")
    path.write_text(text.replace("  path: ", "  isexec: true\n  path: ", 1), "utf-8")


def expected_files() -> dict[str, bytes]:
    """Return the files of `make_rich_registry` by their paths in the work tree."""
    files = {f"data/{name}": data for name, data in FILES.items()}
    for name, folder in FOLDERS.items():
        files |= {f"data/{name}/{path}": data for path, data in folder.items()}
    dwi = FOLDERS["sub-01/dwi"]
    members = {
        "t1.nii.gz": FILES["mni152/t1.nii.gz"],
        "bvals": dwi["dwi.bval"],
        "deep er/naïve/脳.txt": dwi["deep er/naïve/脳.txt"],
    }
    return files | {f"store/{PACKAGE}/{path}": data for path, data in members.items()}


def check_content(root: Path, files: Mapping[str, bytes]) -> None:
    """Check that files are there, byte for byte."""
    assert {path: (root / path).read_bytes() for path in files} == dict(files)


@contextmanager
def unchanged(*folders: Path) -> Iterator[None]:
    """Check that a block changes no file below folders, and adds and removes none."""
    before = contents(*folders)
    yield
    assert contents(*folders) == before
