"""What a pull will do: which files go where, and which objects are missing; nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..backends.holdings import Holdings
from ..errors import NoSpaceError
from ..files import Destination, free_space
from ..links import Linker
from ..model.listing import Entry, parse_listing, size_limit
from ..model.objects import ObjectId, Wanted, stricter
from ..progress import Progress
from .entries import choose_part
from .examining import Examiner, Found, Place
from .placing import find_leftovers, refuse_foreign, remove_for_force
from .selection import Selection
from .work import Work, one_fails

if TYPE_CHECKING:
    from .workspace import Workspace


def open_folders(session: Workspace, work: Sequence[Work], progress: Progress) -> None:
    """Find out which files the folders have: from manifests in git, else from their listings."""
    folders = [one for one in work if one.selection.is_folder and one.entries is None]
    for one in folders:
        with one_fails(one):
            one.entries = session.entries_in_git(one.selection)
    unknown = [one for one in folders if one.entries is None and one.error is None]
    missing = session.holdings.find(one.selection.wanted() for one in unknown)
    failed = session.fetch(missing, progress) if missing else {}
    for one in unknown:
        with one_fails(one):
            if (error := failed.get(one.selection.oid)) is not None:
                raise error
            one.entries = _read_listing(session.holdings, one.selection)
    for one in folders:
        if one.entries is not None and one.error is None:
            with one_fails(one):
                one.entries = choose_part(one.selection, one.entries)


def _read_listing(holdings: Holdings, selection: Selection) -> list[Entry]:
    data = holdings.read(selection.oid, limit=size_limit(selection.nfiles))
    return parse_listing(data, name=selection.name, nfiles=selection.nfiles)


def find_places(work: Iterable[Work]) -> None:
    """List the files of each dataset with their objects."""
    for one in work:
        if one.error is not None:
            continue
        if one.entries is None:
            one.places = [Place(one.relative, one.selection.wanted(), one.selection.executable)]
        else:
            whole = one.is_checked_whole
            one.places = [
                Place(
                    f"{one.relative}/{entry.path}",
                    one.selection.wanted_entry(entry, needs_sha256=whole),
                )
                for entry in one.entries
            ]


def find_missing(
    holdings: Holdings, work: Sequence[Work], progress: Progress
) -> dict[ObjectId, Wanted]:
    """Look which objects are in no cache; damaged ones are cleared away and count as missing."""
    wanted: dict[ObjectId, Wanted] = {}
    for one in work:
        with one_fails(one):
            for each in one.wanted:
                known = wanted.get(each.oid)
                wanted[each.oid] = each if known is None else stricter(known, each)
    missing = {each.oid: each for each in holdings.find(wanted.values())}
    for oid in holdings.damaged:
        progress.warn(f"the cached object {oid} was damaged, and is not used")
    holdings.damaged.clear()
    return missing


def examine(
    session: Workspace, destination: Destination, work: Sequence[Work], *, force: bool
) -> None:
    """Look at every place before anything is written."""
    foreign: list[Place] = []
    for one in work:
        if one.error is not None:
            continue
        _examine_folder(session, destination, one)
        published = session.published(one.selection.item)
        examiner = Examiner(destination, session.holdings, published)
        found = examiner.examine(one.places)
        pairs = list(zip(one.places, found, strict=True))
        one.todo = [examiner.as_seen(place) for place, what in pairs if what is not Found.SAME]
        foreign += [place for place, what in pairs if what is Found.FOREIGN]
    if foreign and not (force or destination.replaceable):
        raise refuse_foreign(destination, foreign)
    remove_for_force(destination, foreign)


def _examine_folder(session: Workspace, destination: Destination, one: Work) -> None:
    """Find what only another version had; and whether a folder without files has to be made."""
    if one.entries is None or one.selection.part is not None:
        return
    if session.is_ours(destination.root):  # elsewhere others may deliver too
        one.leftovers = find_leftovers(
            one.relative,
            one.entries,
            lambda: session.other_files(one.selection),
            destination=destination,
            holdings=session.holdings,
        )
    if not one.entries:
        destination.check_parents(f"{one.relative}/any")
        one.lacks_folder = not one.path.is_dir()


def still_needed(work: Sequence[Work], missing: dict[ObjectId, Wanted]) -> dict[ObjectId, Wanted]:
    """Leave out objects whose file already lies at its place."""
    needed = {place.wanted.oid for one in work for place in one.todo}
    return {oid: wanted for oid, wanted in missing.items() if oid in needed}


def needed_bytes(work: Sequence[Work], oids: set[ObjectId]) -> int:
    """Estimate bytes: sizes where known; else the folder's total, if anything of it is needed."""
    sizes: dict[ObjectId, int] = {}
    estimated = 0
    for one in work:
        mine = {wanted.oid: wanted.expected.size for wanted in one.wanted if wanted.oid in oids}
        known = {oid: size for oid, size in mine.items() if size is not None}
        sizes |= known
        if len(known) == len(mine):
            continue
        whole = one.selection.size or 0
        share = len(mine) / max(one.selection.nfiles or len(mine), 1)
        estimated += int(whole * min(share, 1.0)) - sum(known.values())
    return sum(sizes.values()) + max(estimated, 0)


def check_space(
    session: Workspace,
    linker: Linker,
    destination: Destination,
    work: Sequence[Work],
    missing: dict[ObjectId, Wanted],
) -> None:
    """Check that there is room for what comes, in the cache and where it goes.

    Raises
    ------
    NoSpaceError
        If there is not; nothing was fetched.
    """
    if not missing and not linker.copies:
        return
    cache = session.holdings.writable()
    for_cache = max(needed_bytes(work, set(missing)) - cache.unfinished(missing), 0)
    for_tree = 0
    if linker.copies:  # one object may go to several places
        todo = [(one, {place.wanted.oid for place in one.todo}) for one in work]
        for_tree = sum(needed_bytes([one], oids) for one, oids in todo)
    needs = [(cache.root, for_cache), (destination.root, for_tree)]
    if session.same_device(cache.root, destination.root):
        needs = [(destination.root, for_cache + for_tree)]
    for folder, need in needs:
        free = free_space(folder)
        if need > free:
            raise NoSpaceError(
                f"{need:,} bytes are needed at {folder}, and {free:,} are free",
                hint="Nothing was fetched. Free some space (`neurogister cache prune`), or pull"
                " less: a part as NAME:PATH.",
            )
