"""Bringing data here: planned whole, fetched, verified, then put at its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InvalidFileError, NeurogisterError
from ..files import Destination
from ..model.names import is_glob
from ..progress import SILENT, Progress
from .selection import why_withdrawn
from .work import Work, begin, one_fails, root_of, skip_unchanged

if TYPE_CHECKING:
    from ..backends.holdings import Holdings
    from ..model.names import Target
    from ..model.objects import ObjectId, Wanted
    from .session import Session
    from .workspace import Workspace


@dataclass(frozen=True, slots=True)
class Pulled:
    """What became of one name.

    Parameters
    ----------
    name : str
        Of the dataset or package.
    version : str, optional
        Which version it is.
    part : str, optional
        Which part of a folder was asked for.
    path : Path
        Where it is.
    files : int
        How many files it has (of the part that was asked for).
    placed : int
        How many of them were put there now; with those that only another version had and that
        were removed.
    size : int, optional
        Bytes in all, if known.
    status : {'pulled', 'unchanged', 'failed', 'planned'}
    error : NeurogisterError, optional
        Why it failed.
    zip : str, optional
        With a layout of zip archives: the name of the archive.
    """

    name: str
    version: str | None
    part: str | None
    path: Path
    files: int
    placed: int
    size: int | None
    status: str
    error: NeurogisterError | None = None
    zip: str | None = None


@dataclass(slots=True)
class PullReport:
    """What a pull did, or would do.

    Parameters
    ----------
    pulled : list of Pulled
        One for each name.
    fetched_files, fetched_size : int
        Objects that came (or would come) from a remote, and their bytes.
    size_known : bool
        Whether the bytes are exact; else they are estimated from the size of the folder.
    """

    pulled: list[Pulled] = field(default_factory=list)
    fetched_files: int = 0
    fetched_size: int = 0
    size_known: bool = True

    @property
    def errors(self) -> list[NeurogisterError]:
        """What failed."""
        return [one.error for one in self.pulled if one.error is not None]

    @property
    def changes(self) -> bool:
        """Whether anything was, or would be, changed."""
        return bool(self.fetched_files) or any(one.placed for one in self.pulled)


def pull(
    session: Session,
    targets: Sequence[Target],
    *,
    into: Path | None = None,
    force: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> PullReport:
    """Bring datasets and packages here, each byte checked against its record.

    Parameters
    ----------
    session : Session
        The registry, its caches and remotes.
    targets : sequence of Target
        What to bring.
    into : Path, optional
        The folder to deliver to, where each dataset lies under its name. None: at its place in
        the work tree of the checkout.
    force : bool
        Overwrite files that were changed here, and get what was withdrawn.
    dry_run : bool
        Only find out what would happen.
    progress : Progress
        Told what happens.

    Returns
    -------
    PullReport
        With the failure of each dataset that could not be delivered whole; all others were.

    Raises
    ------
    NoSpaceError
        If there is no room; nothing was fetched, unless the room went while we were at it.
    """
    work = begin_all(session, targets, into, force=force, progress=progress)
    destination = Destination(into or root_of(session))
    return bring(session, work, destination, force=force, dry_run=dry_run, progress=progress)


def begin_all(
    session: Session,
    targets: Sequence[Target],
    into: Path | None,
    *,
    force: bool,
    progress: Progress,
) -> list[Work]:
    """Find out what targets stand for: what was withdrawn is refused, or passed over in a glob.

    Parameters
    ----------
    session, targets, into, force, progress
        As for `pull`.
    """
    chosen = [target for target in targets if not _is_passed_over(target, progress, force=force)]
    work = [begin(session, target, into, force=force) for target in chosen]
    for one in work:
        if one.selection.item.status == "withdrawn":
            item = one.selection.item
            progress.warn(f"{item.name} was withdrawn{why_withdrawn(item)}; forced all the same")
        with one_fails(one):
            _heed_members(session, one, progress, force=force)
    return work


def bring(
    session: Workspace,
    work: Sequence[Work],
    destination: Destination,
    *,
    force: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> PullReport:
    """Bring here what was found out to be wanted (see `pull`).

    Parameters
    ----------
    session : Workspace
        Caches and remotes.
    work : sequence of Work
        What is wanted, and where it goes.
    destination : Destination
        The folder.
    force, dry_run, progress
        As for `pull`.

    Returns
    -------
    PullReport
        As `pull` returns it.
    """
    placed_before = session.state.placed(destination.root)
    for one in work:
        skip_unchanged(one, placed_before)
    active = [one for one in work if not one.unchanged and one.error is None]
    if not active:
        return PullReport([result_of(one, dry_run=dry_run) for one in work])
    from . import plan  # not where nothing is to be done

    plan.open_folders(session, active, progress)
    plan.find_places(active)
    missing = plan.find_missing(session.holdings, active, progress)
    plan.examine(session, destination, active, force=force)
    missing = plan.still_needed(active, missing)
    report = _report(missing, plan.needed_bytes(active, set(missing)))
    if missing and not dry_run:
        _warn_of_other_cache(session.holdings, progress)
    linker = session.linker(destination.root)
    plan.check_space(session, linker, destination, active, missing)
    if not dry_run:
        _announce(progress, active, report)
        from .deliver import Delivery

        delivery = Delivery(session, destination, linker, active, progress)
        delivery.run(missing)
        delivery.remember()
    report.pulled = [result_of(one, dry_run=dry_run) for one in work]
    return report


def _heed_members(session: Session, one: Work, progress: Progress, *, force: bool) -> None:
    """Refuse a package one of whose members was withdrawn since, or warn."""
    if one.selection.item.kind != "package":
        return
    from .outdated import refuse_withdrawn_members, said_of, withdrawn_members

    if not force:
        refuse_withdrawn_members(session, one.selection)
    elif gone := withdrawn_members(session, one.selection):
        progress.warn(f"{one.selection.label}: {said_of(gone)}; forced all the same")


def _is_passed_over(target: Target, progress: Progress, *, force: bool) -> bool:
    """Tell whether a glob has caught what cannot be pulled; who names it gets an error."""
    item = target.item
    if not is_glob(target.as_typed):
        return False
    if item.pointer is None and target.version is None:
        progress.warn(f"{item.name} is kept outside DVC: passed over")
        return True
    if item.status == "withdrawn" and not force:
        progress.warn(f"{item.name} was withdrawn: passed over")
        return True
    return False


def pull_everything(
    session: Session,
    *,
    into: Path | None = None,
    force: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> PullReport:
    """Bring all datasets and packages here; those whose pointer is broken are reported as failed.

    Parameters
    ----------
    session, into, force, dry_run, progress
        As for `pull`.

    Returns
    -------
    PullReport
        As `pull` returns it.
    """
    from .listing import everything  # it knows registries, which a lockfile does without

    report = pull(
        session, everything(session), into=into, force=force, dry_run=dry_run, progress=progress
    )
    report.pulled += [
        Pulled(
            name=item.name, version=None, part=None, path=Path(item.place), files=0, placed=0,
            size=None, status="failed", error=InvalidFileError(item.error),
        )
        for item in session.reader.everything()
        if item.error is not None
    ]  # fmt: skip
    return report


def _warn_of_other_cache(holdings: Holdings, progress: Progress) -> None:
    first, target = holdings.caches[0], holdings.target()
    if target is not first:
        progress.warn(f"the cache {first.root} cannot be written: what comes goes to {target.root}")


def _report(missing: dict[ObjectId, Wanted], size: int) -> PullReport:
    return PullReport(
        fetched_files=len(missing),
        fetched_size=size,
        size_known=all(wanted.expected.size is not None for wanted in missing.values()),
    )


def _announce(progress: Progress, work: Sequence[Work], report: PullReport) -> None:
    files = sum(len(one.todo) for one in work)
    if files:
        progress.say(
            f"{files:,} files to put in place; {report.fetched_files:,} objects,"
            f" {report.fetched_size:,} bytes, to fetch"
        )


def result_of(one: Work, *, dry_run: bool) -> Pulled:
    """Return what became, or would become, of one selection."""
    selection = one.selection
    if one.error is not None:
        status = "failed"
    elif not one.changes:
        status = "unchanged"
    else:
        status = "planned" if dry_run else "pulled"
    files = len(one.places) or (selection.nfiles or 1)
    sizes = [place.wanted.expected.size for place in one.places]
    known = sizes and None not in sizes and selection.part is not None
    size = sum(size or 0 for size in sizes) if known else selection.size
    return Pulled(
        name=selection.name,
        version=selection.version,
        part=selection.part,
        path=_delivered(one),
        files=files,
        placed=one.changes,
        size=size,
        status=status,
        error=one.error,
    )


def _delivered(one: Work) -> Path:
    """Return the path that a script goes on with: of the very file, if one file was asked for."""
    if one.selection.part is not None and len(one.places) == 1:
        inside = one.places[0].relative.removeprefix(one.relative).strip("/")
        return one.path.joinpath(*inside.split("/"))
    return one.path
