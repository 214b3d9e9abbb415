"""Whether a contender delivered the right bytes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .model import BenchmarkError, Sample

FilesMap = Mapping[str, "File"]


@dataclass(frozen=True, slots=True)
class File:
    """What a file must be."""

    size: int
    md5: str

    @property
    def key(self) -> str:
        """Its place in a cache or remote."""
        return f"files/md5/{self.md5[:2]}/{self.md5[2:]}"


def check_tree(folder: Path, files: FilesMap) -> None:
    """Fail unless a folder has these files and no other; the path '' is the folder itself."""
    found = {""} if folder.is_file() else set(_walk(folder))
    if found != set(files):
        missing, more = len(set(files) - found), len(found - set(files))
        raise BenchmarkError(f"{folder.name}: {missing} files are missing, {more} too many")
    _check_each((folder / path if path else folder, file) for path, file in files.items())


def check_cache(cache: Path, files: FilesMap) -> None:
    """Fail unless a DVC cache has the objects of these files."""
    check_objects(cache / "files" / "md5", files)


def check_objects(folder: Path, files: FilesMap) -> None:
    """Fail unless a folder has the objects of these files, as ``ab/cdef…``."""
    _check_each((folder / file.md5[:2] / file.md5[2:], file) for file in files.values())


def names_of(expected: Collection[str]) -> Callable[[Sample], None]:
    """Make a check: each name is the first column of a line of the output."""

    def check(sample: Sample) -> None:
        found = {line.split("\t")[0] for line in sample.output.splitlines()}
        missing = [name for name in expected if name not in found]
        if missing:
            raise BenchmarkError(f"{len(missing)} names are not listed, as {missing[0]}")

    return check


def _walk(folder: Path) -> Iterable[str]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield Path(parent, name).relative_to(folder).as_posix()


def _check_each(files: Iterable[tuple[Path, File]]) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(_check, files):
            pass


def _check(item: tuple[Path, File]) -> None:
    path, file = item
    try:
        with path.open("rb") as stream:
            md5 = hashlib.file_digest(stream, "md5").hexdigest()
            size = stream.tell()
    except OSError as error:
        raise BenchmarkError(f"{path.name} cannot be read: {error.strerror}") from error
    if (size, md5) != (file.size, file.md5):
        raise BenchmarkError(f"{path.name} has wrong content")
