"""Pinning data in a lockfile: added, removed, brought to the newest version."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ..errors import NeurogisterError, NotFoundError, RefusedError, collect_errors
from ..model.locked import Locked, LockedRegistry
from ..model.names import Target
from ..progress import SILENT, Progress
from .lockentry import lock_target, registry_of
from .lockfiles import changing, read_lockfile, write_lockfile
from .session import Session, open_session

if TYPE_CHECKING:
    from ..model.dataset import Dataset
    from ..settings import Settings


@dataclass(frozen=True, slots=True)
class LockChange:
    """What became, or would become, of one thing in a lockfile.

    Parameters
    ----------
    before, after : Locked, optional
        What was locked, and what is now; none if it was not there, or is gone.
    error : NeurogisterError, optional
        Why it stayed as it was.
    """

    before: Locked | None = None
    after: Locked | None = None
    error: NeurogisterError | None = None

    @property
    def status(self) -> str:
        """``added``, ``removed``, ``changed``, ``unchanged`` or ``failed``."""
        if self.error is not None:
            return "failed"
        if self.before is None:
            return "added"
        if self.after is None:
            return "removed"
        return "unchanged" if self.before == self.after else "changed"

    @property
    def locked(self) -> Locked:
        """What it is about, as it is now."""
        found = self.after or self.before
        assert found is not None  # noqa: S101 - there is always one of them
        return found


@dataclass(slots=True)
class LockReport:
    """What changed, or would change, in a lockfile.

    Parameters
    ----------
    path : Path
        The lockfile.
    changes : list of LockChange
        One for each thing that was named.
    written : bool
        Whether the file was, or would be, written.
    """

    path: Path
    changes: list[LockChange] = field(default_factory=list)
    written: bool = False

    @property
    def errors(self) -> list[NeurogisterError]:
        """What could not be done."""
        return [each.error for each in self.changes if each.error is not None]


def lock_add(
    session: Session,
    targets: Sequence[Target],
    *,
    path: Path | None = None,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> LockReport:
    """Pin datasets, packages and parts of them in a lockfile.

    Parameters
    ----------
    session : Session
        The registry.
    targets : sequence of Target
        What to pin; without a version, the newest one.
    path : Path, optional
        The lockfile; else the one that applies here, or a new one in the working directory.
    dry_run : bool
        Only find out what would change.
    progress : Progress
        Told what others will not have.

    Returns
    -------
    LockReport

    Raises
    ------
    NotFoundError
        If there is no such version or part, or nothing that can be pulled.
    RefusedError
        If something was withdrawn, or does not go together with what is locked.
    """
    registry = registry_of(session, progress)
    new = {each.key: each for each in (lock_target(session, t, registry.url) for t in targets)}
    with changing(path, session.settings, progress) as found:
        old = {each.key: each for each in found.lockfile.locked}
        report = LockReport(found.path)
        for key, each in new.items():
            before = old.get(key)
            _check_registry(before, each)
            report.changes.append(LockChange(before, settled(before, each)))
        merged = old | {each.locked.key: each.locked for each in report.changes}
        lockfile = found.lockfile.changed(merged.values(), [registry])
        report.written = lockfile != found.lockfile
        if not dry_run:
            write_lockfile(found, lockfile)
    return report


def _check_registry(before: Locked | None, after: Locked) -> None:
    """Let no other registry take over a name with other content: it may mean something else."""
    if before is None or before.registry == after.registry or before.md5 == after.md5:
        return
    raise RefusedError(
        f"{before.name} is locked from {before.registry}, and has other content in"
        f" {after.registry}",
        hint=f"`neurogister lock remove {before.short}` first, if it is meant to be another one.",
    )


def settled(before: Locked | None, after: Locked) -> Locked:
    """Return what is locked now: as before, if nothing has changed but the commit that was read."""
    if before is None or not before.same_content(after):
        return after
    return replace(before, withdrawn=False)


def lock_remove(
    names: Sequence[str],
    settings: Settings,
    *,
    path: Path | None = None,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> LockReport:
    """Take things out of a lockfile; what was pulled stays where it is.

    Parameters
    ----------
    names : sequence of str
        What, as `Lockfile.choose` takes it.
    settings : Settings
        What applies.
    path : Path, optional
        The lockfile; else the one that applies here.
    dry_run : bool
        Only find out what would change.
    progress : Progress
        Told if we have to wait.

    Raises
    ------
    NotFoundError
        If there is no lockfile, or something is not in it.
    """
    read_lockfile(path)
    with changing(path, settings, progress) as found:
        chosen = found.lockfile.choose(names)
        for each in chosen:
            if each.part is not None:
                raise NotFoundError(
                    f"{each.locked.name}:{each.part} is not locked by itself",
                    hint=f"{each.locked.label} is, with all its files.",
                )
        gone = [each.locked for each in chosen]
        report = LockReport(found.path, [LockChange(before=each) for each in gone], written=True)
        if not dry_run:
            kept = [each for each in found.lockfile.locked if each not in gone]
            write_lockfile(found, found.lockfile.changed(kept))
    return report


def lock_upgrade(
    names: Sequence[str],
    settings: Settings,
    *,
    path: Path | None = None,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> LockReport:
    """Bring what is locked to the newest version.

    Parameters
    ----------
    names : sequence of str
        What; none stand for everything.
    settings : Settings
        What applies. A registry that was typed is asked in place of those in the lockfile.
    path : Path, optional
        The lockfile; else the one that applies here.
    dry_run : bool
        Only find out what would change.
    progress : Progress
        Told about long work.

    Returns
    -------
    LockReport
        With the failure of each that could not be brought there; all others were.

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
        report = LockReport(found.path, [_newest(each, registries) for each in chosen])
        kept = [each for each in found.lockfile.locked if each not in chosen]
        lockfile = found.lockfile.changed(
            [*kept, *(each.locked for each in report.changes)], registries.described()
        )
        report.written = lockfile != found.lockfile
        if not dry_run:
            write_lockfile(found, lockfile)
    return report


def _newest(locked: Locked, registries: Registries) -> LockChange:
    session = registries.session(locked.registry)
    try:
        item = find_item(session, locked)
        if item is None:
            raise NotFoundError(
                f"{locked.name} is not in {locked.registry} any more",
                hint=f"`neurogister lock remove {locked.short}` goes on without it.",
            )
        target = Target(item, None, locked.part, locked.short)
        after = lock_target(session, target, locked.registry)
    except (NotFoundError, RefusedError) as error:
        return LockChange(locked, locked, error)
    return LockChange(locked, settled(locked, after))


def find_item(session: Session, locked: Locked) -> Dataset | None:
    """Find what is locked in its registry; by its identifier, if it goes by another name now.

    Parameters
    ----------
    session : Session
        The registry.
    locked : Locked
        What is looked for.
    """
    for name in (locked.name, locked.id):
        for item in session.reader.find_name(name) if name else ():
            if name == locked.id or (item.kind == "package") == (locked.kind == "package"):
                return item
    return None


class Registries:
    """The registries that a lockfile names, each opened when it is first needed.

    Parameters
    ----------
    settings : Settings
        What applies; a registry that was typed stands for all of them.
    progress : Progress
        Told about transfers.
    """

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self._settings = settings
        self._progress = progress
        self._sessions: dict[str, Session] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def session(self, url: str) -> Session:
        """Return the registry with a URL, opened."""
        if url not in self._sessions:
            settings = self._settings
            if settings.origins.get("registry") != "flag":
                settings = replace(settings, registry=url)
            session = open_session(settings, rev=settings.rev, progress=self._progress)
            self._stack.callback(session.close)
            self._sessions[url] = session
        return self._sessions[url]

    def described(self) -> list[LockedRegistry]:
        """Return what the opened registries say of their remotes now."""
        return [replace(registry_of(session), url=url) for url, session in self._sessions.items()]


def raise_errors(report: LockReport) -> None:
    """Raise what failed, if anything did.

    Parameters
    ----------
    report : LockReport
        Of what was tried.

    Raises
    ------
    NeurogisterError
        The failure, or all of them.
    """
    if report.errors:
        raise collect_errors(report.errors, len(report.changes))
