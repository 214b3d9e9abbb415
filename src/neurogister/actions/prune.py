"""Making the cache smaller, without losing what is nowhere else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..backends.cache import Cache
from ..errors import NeurogisterError
from ..files import system_errors, walk
from ..model.digest import Expected
from ..model.objects import ObjectId, Wanted
from ..progress import SILENT, Progress
from .caches import CachedFolder, CachedObject, list_cache, list_folders
from .session import Session


@dataclass(frozen=True, slots=True)
class Pruned:
    """What became of one object that was to go.

    Parameters
    ----------
    object : CachedObject
        Which.
    removed : bool
        Whether it went (or would go).
    reason : str
        Why, or why not.
    """

    object: CachedObject
    removed: bool
    reason: str


def prune(
    session: Session,
    cache: Cache,
    *,
    max_size: int | None = None,
    older_than: float | None = None,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> list[Pruned]:
    """Remove objects that were not used for longest.

    The user's own cache holds only what came from remotes. A checkout's cache may hold the only
    copy of a file: there, an object goes only after it was read, byte for byte, from a remote.

    Parameters
    ----------
    session : Session
        Knows the remotes.
    cache : Cache
        Which.
    max_size : int, optional
        Bytes that may stay; without it, and without `older_than`, everything goes.
    older_than : float, optional
        Only what was not used since this time, in seconds since 1970.
    dry_run : bool
        Only tell.
    progress : Progress
        Told about the reading of remotes.

    Returns
    -------
    list of Pruned
        What went, and what could not go.
    """
    chosen = _choose(list_cache(session, cache), max_size, older_than)
    must_stay = _linked(session, cache, chosen)
    unlinked = [each for each in chosen if each.oid not in must_stay]
    must_stay |= _kept_nowhere_else(session, cache, unlinked, progress)
    result = []
    for each in chosen:
        reason = must_stay.get(each.oid)
        if reason is not None:
            result.append(Pruned(each, removed=False, reason=reason))
            continue
        if not dry_run:
            cache.discard(each.oid)
        result.append(Pruned(each, removed=True, reason="can be fetched again"))
    if not dry_run:
        session.state.forget(cache, [each.object.oid for each in result if each.removed])
    return result


def _choose(
    objects: Sequence[CachedObject], max_size: int | None, older_than: float | None
) -> list[CachedObject]:
    oldest_first = sorted(objects, key=lambda each: (each.used, str(each.oid)))
    if older_than is not None:
        oldest_first = [each for each in oldest_first if each.used < older_than]
    if max_size is None:
        return oldest_first
    excess = sum(each.size for each in objects) - max_size
    chosen = []
    for each in oldest_first:
        if excess <= 0:
            break
        chosen.append(each)
        excess -= each.size
    return chosen


def _linked(session: Session, cache: Cache, chosen: Sequence[CachedObject]) -> dict[ObjectId, str]:
    """Return what files of the work tree are links to: without it, they would lead nowhere."""
    root = session.reader.worktree
    if root is None or not chosen or cache.root == session.user_cache.root:
        return {}
    linked: set[str] = set()
    for item in session.reader.everything():
        if item.pointer is not None:
            linked.update(_links_at(root.joinpath(*item.place.split("/"))))
    return {
        each.oid: "the work tree links to it"
        for each in chosen
        if os.path.realpath(cache.path(each.oid)) in linked
    }


def _links_at(place: Path) -> Iterator[str]:
    if place.is_symlink():
        yield os.path.realpath(place)
    elif place.is_dir():
        for _, entry in walk(place):
            if entry.is_symlink():
                yield os.path.realpath(entry.path)


def _kept_nowhere_else(
    session: Session, cache: Cache, chosen: Sequence[CachedObject], progress: Progress
) -> dict[ObjectId, str]:
    """Return what must stay, and why."""
    if cache.root == session.user_cache.root or not chosen:
        return {}
    wanted = [
        Wanted(
            each.oid,
            Expected(each.oid.md5, each.size, legacy=each.oid.legacy and not each.oid.listing),
            str(each.oid),
            each.size,
        )
        for each in chosen
    ]
    progress.start("Reading remotes", files=len(wanted), size=sum(each.size for each in chosen))
    try:
        failed = session.check_remotes(wanted, progress)
    except NeurogisterError as error:
        return {each.oid: error.message for each in chosen}
    finally:
        progress.finish()
    return {oid: f"no remote has it: {error.message}" for oid, error in failed.items()}


def prune_folders(
    session: Session, cache: Cache, *, older_than: float | None = None, dry_run: bool = False
) -> list[CachedFolder]:
    """Remove what else is in the user's own cache, and tell what went (or would go)."""
    chosen = [
        each
        for each in list_folders(session, cache)
        if older_than is None or each.used < older_than
    ]
    for each in chosen if not dry_run else ():
        with system_errors(each.path, "remove"):
            shutil.rmtree(each.path)
    return chosen
