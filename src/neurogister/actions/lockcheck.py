"""Comparing a lockfile with the registries that it is from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NotFoundError, RefusedError
from ..model.digest import EMPTY_MD5
from ..model.listing import Entry
from ..model.locked import Locked
from ..model.names import Target
from ..progress import SILENT, Progress
from .describe import find_entries
from .lock import LockChange, Registries, find_item, lock_upgrade
from .lockfiles import changing, read_lockfile, write_lockfile
from .outdated import said_of, withdrawn_members
from .selection import select, why_withdrawn

if TYPE_CHECKING:
    from ..errors import NeurogisterError
    from ..model.dataset import Dataset
    from ..settings import Settings
    from .session import Session

SAME = "same"
DIFFERS = "differs"
MISSING = "missing"
WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a registry says of one thing that is locked.

    Parameters
    ----------
    locked : Locked
        What the lockfile says.
    status : {'same', 'differs', 'missing', 'withdrawn'}
    detail : str, optional
        What is different, in words.
    newest : int or str, optional
        The newest version, if that is another one.
    """

    locked: Locked
    status: str
    detail: str | None = None
    newest: int | str | None = None

    @property
    def error(self) -> NeurogisterError | None:
        """The error that it amounts to; none if all is well."""
        if self.status == SAME:
            return None
        name = self.locked.short
        hints = {
            WITHDRAWN: f"`neurogister lock upgrade {name}` takes a newer version, if there is one;"
            f" `neurogister lock remove {name}` goes on without it.",
            MISSING: f"`neurogister lock remove {name}` goes on without it.",
            DIFFERS: "Look at what changed before you lock it anew:"
            f" `neurogister lock diff {name}`, `neurogister lock upgrade {name}`.",
        }
        return RefusedError(f"{self.locked.label} {self.detail}", hint=hints[self.status])


@dataclass(slots=True)
class CheckReport:
    """What registries say of a lockfile.

    Parameters
    ----------
    path : Path
        The lockfile.
    checked : list of Checked
        One for each thing that is locked.
    marked : bool
        Whether marks of withdrawal in it changed, or would change.
    """

    path: Path
    checked: list[Checked] = field(default_factory=list)
    marked: bool = False

    @property
    def errors(self) -> list[NeurogisterError]:
        """What is not as it should be."""
        return [error for each in self.checked if (error := each.error) is not None]


def lock_check(
    names: Sequence[str],
    settings: Settings,
    *,
    path: Path | None = None,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> CheckReport:
    """Find out whether registries still say what a lockfile says, and mark what was withdrawn.

    Parameters
    ----------
    names : sequence of str
        What; none stand for everything.
    settings : Settings
        What applies. A registry that was typed is asked in place of those in the lockfile.
    path : Path, optional
        The lockfile; else the one that applies here.
    dry_run : bool
        Change no marks.
    progress : Progress
        Told about long work.

    Raises
    ------
    NotFoundError
        If there is no lockfile, or something is not in it.
    NetworkError, CredentialsError, OfflineError
        If a registry cannot be read.
    """
    read_lockfile(path)
    with changing(path, settings, progress) as found, Registries(settings, progress) as registries:
        chosen = [choice.locked for choice in found.lockfile.choose(names)]
        checker = _Checker(registries, progress)
        report = CheckReport(found.path, [checker.check(each) for each in chosen])
        for now in registries.described():
            if now.remotes != found.lockfile.registry(now.url).remotes:
                progress.warn(
                    f"{now.url} keeps its bytes elsewhere than the lockfile says:"
                    " `neurogister lock upgrade` takes that over"
                )
        marks = {each.locked.key: each.status == WITHDRAWN for each in report.checked}
        locked = [
            replace(each, withdrawn=marks.get(each.key, each.withdrawn))
            for each in found.lockfile.locked
        ]
        lockfile = found.lockfile.changed(locked)
        report.marked = lockfile != found.lockfile
        if not dry_run and report.marked:
            write_lockfile(found, lockfile)
    return report


class _Checker:
    """Asks registries; what each has withdrawn is looked up once."""

    def __init__(self, registries: Registries, progress: Progress) -> None:
        self._registries = registries
        self._progress = progress
        self._buried: dict[str, dict[str, Dataset]] = {}

    def check(self, locked: Locked) -> Checked:
        session = self._registries.session(locked.registry)
        item = find_item(session, locked)
        if item is None:
            return Checked(locked, MISSING, f"is not in {locked.registry} any more")
        newest = item.version if item.version != locked.version else None
        if item.status == "withdrawn":
            return Checked(locked, WITHDRAWN, f"was withdrawn{why_withdrawn(item)}", newest)
        difference = self._difference(session, item, locked)
        if difference is not None:
            return Checked(locked, DIFFERS, difference, newest)
        if (detail := self._withdrawn_member(session, item, locked)) is not None:
            return Checked(locked, WITHDRAWN, detail, newest)
        return Checked(locked, SAME, None, newest)

    def _withdrawn_member(self, session: Session, item: Dataset, locked: Locked) -> str | None:
        """Find withdrawn datasets in a package: as its ledger names them, and by content."""
        if locked.kind != "package":
            return None
        version = None if locked.version is None else str(locked.version)
        selection = select(session.reader, Target(item, version), allow_withdrawn=True)
        if gone := withdrawn_members(session, selection):
            return f"has what was withdrawn: {said_of(gone)}"
        if locked.registry not in self._buried:
            self._buried[locked.registry] = _withdrawn(session)
        buried = self._buried[locked.registry]
        found = next((buried[each.md5] for each in locked.files if each.md5 in buried), None)
        if found is None:
            return None
        return f"has a file of {found.name}, which was withdrawn{why_withdrawn(found)}"

    def _difference(self, session: Session, item: Dataset, locked: Locked) -> str | None:
        if item.error is not None:
            return f"cannot be read in the registry: {item.error}"
        if locked.version is None:
            known = {item.pointer.digest} if item.pointer is not None else set()
            known |= {str(each.md5) for each in session.reader.history_versions(item)}
            return None if locked.md5 in known else "never had that content in the registry"
        try:
            state = session.reader.version(item, locked.version)
        except NotFoundError:
            return "is no version of the registry any more"
        if state.md5 != locked.md5:
            return f"is other content in the registry: {state.md5} in place of {locked.md5}"
        return self._difference_of_files(session, item, locked)

    def _difference_of_files(self, session: Session, item: Dataset, locked: Locked) -> str | None:
        """Compare each file; what the listing fixes already need not be read for it."""
        selection = select(
            session.reader, Target(item, str(locked.version), locked.part), allow_withdrawn=True
        )
        if locked.part is None:
            entries = session.entries_in_git(selection) if locked.is_folder else None
        else:
            entries = find_entries(session, selection, ask=True, progress=self._progress)
        if entries is not None:
            return _compare(entries, locked.files)
        for name in ("size", "sha256"):
            mine, theirs = getattr(locked, name), getattr(selection, name)
            if locked.part is None and None not in (mine, theirs) and mine != theirs:
                return f"has another {name} in the registry: {theirs} in place of {mine}"
        return None


def _withdrawn(session: Session) -> dict[str, Dataset]:
    """Return what was withdrawn, by the md5 of each version of it that is a file."""
    return {
        each.md5: item
        for item in session.reader.everything()
        if item.status == "withdrawn"
        for each in item.versions
        if each.md5 is not None and each.md5 != EMPTY_MD5
    }


def _compare(theirs: Sequence[Entry], mine: Sequence[Entry]) -> str | None:
    known = {entry.path: entry for entry in theirs}
    if known.keys() != {entry.path for entry in mine}:
        return "has other files in the registry"
    for entry in mine:
        other = known[entry.path]
        for name in ("md5", "size", "sha256", "sha1"):
            one, two = getattr(entry, name), getattr(other, name)
            if None not in (one, two) and one != two:
                return f"has another {name} of {entry.path} in the registry"
    return None


@dataclass(frozen=True, slots=True)
class LockDifference:
    """What an upgrade of one thing would change.

    Parameters
    ----------
    change : LockChange
        From what to what.
    added, removed : list of Entry
        Files that only one of them has.
    changed : list of tuple of Entry
        Files with other content: before and after.
    """

    change: LockChange
    added: list[Entry] = field(default_factory=list)
    removed: list[Entry] = field(default_factory=list)
    changed: list[tuple[Entry, Entry]] = field(default_factory=list)

    @property
    def size(self) -> int | None:
        """How many bytes would be new, if that is known."""
        sizes = [each.size for each in (*self.added, *(new for _, new in self.changed))]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None


def lock_diff(
    names: Sequence[str],
    settings: Settings,
    *,
    path: Path | None = None,
    progress: Progress = SILENT,
) -> list[LockDifference]:
    """Find out what `lock_upgrade` would change, in files and bytes.

    Parameters
    ----------
    names, settings, path, progress
        As for `lock_upgrade`.

    Raises
    ------
    NotFoundError, NetworkError, CredentialsError, OfflineError
        As `lock_upgrade` does.
    """
    report = lock_upgrade(names, settings, path=path, dry_run=True, progress=progress)
    return [_differ(each) for each in report.changes]


def _differ(change: LockChange) -> LockDifference:
    old, new = _files(change.before), _files(change.after)
    return LockDifference(
        change,
        added=[new[path] for path in sorted(new.keys() - old.keys())],
        removed=[old[path] for path in sorted(old.keys() - new.keys())],
        changed=[
            (old[path], new[path])
            for path in sorted(old.keys() & new.keys())
            if old[path].md5 != new[path].md5
        ],
    )


def _files(locked: Locked | None) -> dict[str, Entry]:
    if locked is None:
        return {}
    if locked.is_folder:
        return {entry.path: entry for entry in locked.files}
    path = locked.name.rpartition("/")[2]
    return {path: Entry(path, locked.md5, locked.size, locked.sha256)}
