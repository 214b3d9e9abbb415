"""The versions of a dataset, and what changed between two of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import OfflineError, UsageError
from ..model.dataset import Dataset
from ..model.listing import Entry
from ..model.names import Target
from ..model.record import Version
from ..progress import SILENT, Progress
from .describe import find_entries
from .selection import Selection, select
from .session import Session


def list_versions(session: Session, item: Dataset) -> list[Version]:
    """List the versions of a dataset or package, oldest first.

    Parameters
    ----------
    session : Session
        The registry.
    item : Dataset
        Which.

    Returns
    -------
    list of Version
        From its ledger; without one, from the history of its pointer in git, counted 1, 2, 3 ….
    """
    if item.versions:
        return list(item.versions)
    return session.reader.history_versions(item)


@dataclass(slots=True)
class Difference:
    """What changed from one version to another.

    Parameters
    ----------
    added, removed : list of Entry
        Files that only one of them has.
    changed : list of tuple of Entry
        Files with other content: before and after.
    same : int
        How many files are the same.
    """

    added: list[Entry] = field(default_factory=list)
    removed: list[Entry] = field(default_factory=list)
    changed: list[tuple[Entry, Entry]] = field(default_factory=list)
    same: int = 0


def diff(
    session: Session, before: Target, after: Target, *, progress: Progress = SILENT
) -> Difference:
    """Compare two versions, by digests; the listing of a folder is fetched if need be.

    Raises
    ------
    UsageError
        If the two are not states of one dataset or package.
    """
    if before.item.name != after.item.name:
        raise UsageError(
            f"{before.item.name} and {after.item.name} are not versions of one dataset",
            hint="Name it twice: `neurogister diff NAME@1 NAME@2`.",
        )
    old = _files(session, select(session.reader, before, allow_withdrawn=True), progress)
    new = _files(session, select(session.reader, after, allow_withdrawn=True), progress)
    result = Difference(
        added=[new[path] for path in sorted(new.keys() - old.keys())],
        removed=[old[path] for path in sorted(old.keys() - new.keys())],
    )
    for path in sorted(old.keys() & new.keys()):
        if old[path].md5 == new[path].md5:
            result.same += 1
        else:
            result.changed.append((old[path], new[path]))
    return result


def _files(session: Session, selection: Selection, progress: Progress) -> dict[str, Entry]:
    entries = find_entries(session, selection, ask=True, progress=progress)
    if entries is None and selection.is_folder:
        raise OfflineError(
            f"which files {selection.label} has is not known here",
            hint="Run it once without `--offline`.",
        )
    if entries is None:
        name = selection.name.rpartition("/")[2]
        entries = [Entry(name, selection.oid.md5, selection.size, selection.sha256)]
    return {entry.path: entry for entry in entries}
