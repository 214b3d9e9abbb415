"""Zip archives delivered as other programs keep them: by their md5, or by their name."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..files import Destination
from ..model.dataset import Dataset
from ..model.names import is_glob
from ..model.pointer import Pointer
from ..progress import SILENT, Progress
from ..settings import nf_neuro_folder
from .locked import open_workspace, plan_choice, refuse_withdrawn
from .pull import Pulled, PullReport, bring, result_of
from .selection import Selection
from .work import Work
from .zipped import Zipped, collect_zips, find_zips

if TYPE_CHECKING:
    from ..model.names import Target
    from ..settings import Settings
    from .lockfiles import OnDisk
    from .session import Session
    from .workspace import Workspace

NF_NEURO = "nf-neuro"
ZIP = "zip"
LAYOUTS = (NF_NEURO, ZIP)


def check_layout(layout: str) -> None:
    """Check that there is such a layout.

    Raises
    ------
    UsageError
        If there is not.
    """
    if layout not in LAYOUTS:
        raise UsageError(f"there is no layout {layout!r}", hint=f"One of {', '.join(LAYOUTS)}.")


def pull_zips(
    session: Session,
    targets: Sequence[Target],
    layout: str,
    *,
    named: bool = True,
    into: Path | None = None,
    force: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> PullReport:
    """Bring the zip archives of packages and datasets here, each byte checked.

    Parameters
    ----------
    session : Session
        The registry, its caches and remotes.
    targets : sequence of Target
        What to bring.
    layout : {'nf-neuro', 'zip'}
        By the md5, in the cache of nf-neuro's tests; or by the name.
    named : bool
        Whether each target was named, so that one without an archive is an error.
    into : Path, optional
        The folder to deliver to; None is nf-neuro's own, or the working directory.
    force, dry_run, progress
        As for `pull`.

    Returns
    -------
    PullReport
        With one entry for each archive, and for what failed.

    Raises
    ------
    NotFoundError
        If something that is named has no zip archive.
    RefusedError
        If a file would be overwritten that is kept nowhere else, or two archives have one name.
    """
    check_layout(layout)
    zips, failed = find_zips(session, targets, named=named, force=force, progress=progress)
    destination = open_destination(layout, into, Path.cwd())
    report = _deliver(session, zips, destination, layout, force, dry_run, progress)
    report.pulled += [result_of(one, dry_run=dry_run) for one in failed]
    return report


def pull_locked_zips(
    found: OnDisk,
    names: Sequence[str],
    settings: Settings,
    layout: str,
    *,
    into: Path | None = None,
    force: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> PullReport:
    """Bring the zip archives that a lockfile names here, each byte checked.

    Parameters
    ----------
    found : OnDisk
        The lockfile.
    names : sequence of str
        What of it; none stand for everything.
    settings : Settings
        What applies.
    layout, into, force, dry_run, progress
        As for `pull_zips`; archives go by their name to the folder of the lockfile.
    """
    check_layout(layout)
    home = found.path.parent.joinpath(*(found.lockfile.folder or "").split("/"))
    destination = open_destination(layout, into, home)
    zips = zips_in_lockfile(found, names, force=force, progress=progress)
    report = PullReport()
    for url in dict.fromkeys(url for url, _ in zips):
        mine = [each for registry, each in zips if registry == url]
        with closing(open_workspace(found.lockfile, url, settings)) as workspace:
            part = _deliver(workspace, mine, destination, layout, force, dry_run, progress)
        report.pulled += part.pulled
        report.fetched_files += part.fetched_files
        report.fetched_size += part.fetched_size
        report.size_known &= part.size_known
    return report


def zips_in_lockfile(
    found: OnDisk, names: Sequence[str], *, force: bool = False, progress: Progress = SILENT
) -> list[tuple[str, Zipped]]:
    """Return the zip archives of what is locked, each with its registry.

    Parameters
    ----------
    found : OnDisk
        The lockfile.
    names : sequence of str
        What of it; none stand for everything.
    force, progress
        As for `pull_zips`.
    """
    choices = found.lockfile.choose(names)
    refuse_withdrawn([each.locked for each in choices], force=force, progress=progress)
    anywhere = Destination(found.path.parent)
    pairs = [
        (plan_choice(each, anywhere), None if each.part is not None else each.locked.zip)
        for each in choices
    ]
    named = bool(names) and not any(map(is_glob, names))
    exact = {each.locked.name for each in choices} if named else frozenset[str]()
    urls = {id(work): each.locked.registry for each, (work, _) in zip(choices, pairs, strict=True)}
    return [(urls[id(each.of)], each) for each in collect_zips(pairs, exact)]


def open_destination(layout: str, into: Path | None, home: Path) -> Destination:
    """Return where archives go: nf-neuro's folder is a cache, in which wrong files are replaced.

    Parameters
    ----------
    layout : {'nf-neuro', 'zip'}
    into : Path, optional
        The folder that the user names.
    home : Path
        Where they go by name, if the user names none.
    """
    if layout == NF_NEURO:
        return Destination(into or nf_neuro_folder(), replaceable=True)
    return Destination(into or home)


def _deliver(
    workspace: Workspace,
    zips: Sequence[Zipped],
    destination: Destination,
    layout: str,
    force: bool,
    dry_run: bool,
    progress: Progress,
) -> PullReport:
    placed: dict[tuple[str, str], tuple[Zipped, Work]] = {}
    for each in zips:
        relative = each.wanted.oid.md5 if layout == NF_NEURO else each.name
        key = relative, each.wanted.oid.md5
        placed.setdefault(key, (each, _work(each, relative, destination)))
    report = bring(
        workspace, [work for _, work in placed.values()], destination, force=force,
        dry_run=dry_run, progress=progress,
    )  # fmt: skip
    pairs = zip(report.pulled, placed.values(), strict=True)
    report.pulled = [_named(pulled, each) for pulled, (each, _) in pairs]
    return report


def _work(each: Zipped, relative: str, destination: Destination) -> Work:
    """Return the work for one archive: a file of its own, whatever it is of."""
    wanted = each.wanted
    pointer = Pointer(
        path=each.name, md5=wanted.oid.md5, size=wanted.expected.size, legacy=wanted.oid.legacy,
        remote=wanted.remote,
    )  # fmt: skip
    item = Dataset(name=wanted.label, place=relative, pointer=pointer)
    selection = Selection(
        item, None, current=True, oid=wanted.oid, size=wanted.expected.size, nfiles=None,
        sha256=wanted.expected.sha256,
    )  # fmt: skip
    return Work(selection, destination.path(relative), relative)


def _named(pulled: Pulled, each: Zipped) -> Pulled:
    of = each.of.selection
    return replace(pulled, name=of.name, version=of.version, part=each.part, zip=each.name)
