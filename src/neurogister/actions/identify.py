"""Which dataset a file on disk is, by its content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..backends.cache import digests_of
from ..errors import NotFoundError
from ..model.dataset import Dataset
from ..model.manifest import parse_manifest
from ..model.names import Target
from .session import Session
from .verify import CHANGED, OK, Verdict


def split_files(
    session: Session, names: Iterable[str], *, cwd: Path
) -> tuple[list[Target], list[Path]]:
    """Tell names of datasets from files that belong to none by their place.

    Raises
    ------
    NotFoundError
        If a name is neither.
    """
    targets: list[Target] = []
    files: list[Path] = []
    for name in names:
        try:
            targets += session.reader.resolve([name], cwd=cwd)
        except NotFoundError:
            if not (cwd / name).is_file():
                raise
            files.append(cwd / name)
    return targets, files


def identify(session: Session, files: Sequence[Path]) -> Iterator[Verdict]:
    """Find files anywhere on this machine in the records, by their digests.

    Single files of any version are found, and the files of folders that have a manifest.

    Yields
    ------
    Verdict
        ``ok`` with the name of the dataset, or ``changed`` if no record has this content.
    """
    for path in files:
        size, digests = digests_of(path, ("md5", "sha256"))
        name = _find_version(session, digests) or _find_in_manifests(session, size, digests)
        if name is None:
            yield Verdict(str(path), str(path), CHANGED, "no dataset here has this content")
        else:
            yield Verdict(str(path), str(path), OK, f"it is {name}")


def _find_version(session: Session, digests: dict[str, str]) -> str | None:
    for item in session.reader.find_digest(digests["md5"]):
        for version in reversed(item.versions):
            if version.md5 == digests["md5"] and version.sha256 in (None, digests["sha256"]):
                return f"{item.name}@{version.version}"
        if _is_bare(item) and item.pointer and item.pointer.digest == digests["md5"]:
            return item.name
    return None


def _is_bare(item: Dataset) -> bool:
    """Tell whether the pointer's own md5 is all that is recorded."""
    return not any(
        item.pointer is not None and version.md5 == item.pointer.digest for version in item.versions
    )


def _find_in_manifests(session: Session, size: int, digests: dict[str, str]) -> str | None:
    by_path = {
        item.manifest_path: item.name
        for item in session.reader.everything()
        if item.manifest_path is not None
    }
    for path, data in session.reader.read_files(by_path).items():
        if digests["sha256"].encode() not in data:
            continue
        for entry in parse_manifest(data, name=path):
            if entry.sha256 == digests["sha256"] and entry.size in (None, size):
                return f"{by_path[path]}:{entry.path}"
    return None
