"""Which dataset a file on disk is, by its content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..backends.cache import digests_of
from ..errors import NotFoundError
from ..model.dataset import Dataset
from ..model.ledger import Version
from ..model.listing import Entry
from ..model.manifest import parse_manifest
from ..model.names import Target
from .session import Session
from .verify import CHANGED, OK, Verdict

_WORKERS = 4
_ALGORITHMS = ("md5", "sha1", "sha256")
_LEGACY = "md5-dos2unix"


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


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file that was read."""

    path: Path
    size: int
    digests: dict[str, str]


def identify(session: Session, files: Sequence[Path]) -> Iterator[Verdict]:
    """Find files anywhere on this machine in the records, by their digests.

    Each is read once, several at a time. Single files of any version are found, resources outside
    DVC too, and the files of folders that have a manifest.

    Parameters
    ----------
    session : Session
        The registry.
    files : sequence of Path
        Which.

    Yields
    ------
    Verdict
        ``ok`` with the names of the datasets, or ``changed`` if no record has this content.
    """
    if not files:
        return
    with ThreadPoolExecutor(_WORKERS) as pool:
        all_seen = list(pool.map(_read, files))
    names = [_find_versions(session, seen) for seen in all_seen]
    unknown = [seen for seen, found in zip(all_seen, names, strict=True) if not found]
    inside = _find_in_manifests(session, unknown) if unknown else {}
    for seen, found in zip(all_seen, names, strict=True):
        found = found or inside.get(seen.path) or _find_legacy(session, seen)
        path = str(seen.path)
        if found:
            yield Verdict(path, path, OK, f"it is {' and '.join(found)}")
        else:
            yield Verdict(path, path, CHANGED, "no dataset here has this content")


def _read(path: Path) -> _Seen:
    return _Seen(path, *digests_of(path, _ALGORITHMS))


def _find_versions(session: Session, seen: _Seen) -> list[str]:
    items = {
        item.place: item
        for value in seen.digests.values()
        for item in session.reader.find_digest(value)
    }
    names = []
    for _, item in sorted(items.items()):
        gone = ", which was withdrawn," if item.status == "withdrawn" else ""
        fitting = [each for each in reversed(item.versions) if _fits(each, seen)]
        if fitting:
            names.append(f"{item.name}@{fitting[0].version}{gone}")
        elif _is_bare(item) and item.pointer and item.pointer.digest == seen.digests["md5"]:
            names.append(f"{item.name}{gone}")
    return [*names[:-1], names[-1].rstrip(",")] if names else []


def _fits(version: Version, seen: _Seen) -> bool:
    """Tell whether all digests that are recorded are those of a file, and there is one at least."""
    recorded = {name: getattr(version, name) for name in _ALGORITHMS}
    known = {name: value for name, value in recorded.items() if value is not None}
    return bool(known) and all(seen.digests[name] == value for name, value in known.items())


def _is_bare(item: Dataset) -> bool:
    """Tell whether the pointer's own md5 is all that is recorded."""
    return not any(
        item.pointer is not None and version.md5 == item.pointer.digest for version in item.versions
    )


def _find_in_manifests(session: Session, unknown: Sequence[_Seen]) -> dict[Path, list[str]]:
    """Look through all manifests, once for all files."""
    by_path = {
        item.manifest_path: item.name
        for item in session.reader.everything()
        if item.manifest_path is not None
    }
    found: dict[Path, list[str]] = {}
    for path, data in sorted(session.reader.read_files(by_path).items()):
        near = [seen for seen in unknown if any(v.encode() in data for v in seen.digests.values())]
        entries = parse_manifest(data, name=path) if near else []
        for seen in near:
            names = [f"{by_path[path]}:{each.path}" for each in entries if _is_entry(each, seen)]
            if names:
                found.setdefault(seen.path, []).extend(names)
    return found


def _is_entry(entry: Entry, seen: _Seen) -> bool:
    if entry.size not in (None, seen.size):
        return False
    known = {"md5": entry.md5, "sha1": entry.sha1, "sha256": entry.sha256}
    return all(seen.digests[name] == value for name, value in known.items() if value)


def _find_legacy(session: Session, seen: _Seen) -> list[str]:
    """Look for a text by the digest that DVC 2 gave it, where its line ends make a difference."""
    _, digests = digests_of(seen.path, (_LEGACY,))
    if digests[_LEGACY] == seen.digests["md5"]:
        return []
    return [
        item.name
        for item in session.reader.find_digest(digests[_LEGACY])
        if item.pointer is not None and item.pointer.legacy and item.pointer.md5 == digests[_LEGACY]
    ]
