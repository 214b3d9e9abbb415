"""Looking after the cache: what it holds, and whether it is sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..backends.cache import Cache
from ..errors import NeurogisterError, NotFoundError
from ..files import walk
from ..model.digest import Expected
from ..model.objects import ObjectId
from ..progress import SILENT, Progress
from .session import Session

if TYPE_CHECKING:
    from ..model.dataset import Dataset
    from ..registry.reader import Reader
    from ..settings import Settings

_FOLDERS = ("content", "registries")  # beside the objects of the user's own cache


@dataclass(frozen=True, slots=True)
class CachedObject:
    """One object of the cache.

    Parameters
    ----------
    oid : ObjectId
        Its address.
    size : int
        Bytes.
    used : float
        When it was last read, in seconds since 1970 (as far as the file system keeps it).
    names : tuple of str
        The datasets and packages whose own object it is; files of folders have none.
    """

    oid: ObjectId
    size: int
    used: float
    names: tuple[str, ...]


def list_cache(session: Session, cache: Cache) -> list[CachedObject]:
    """List the objects of a cache, the largest first."""
    names = _names(session)
    objects = [
        CachedObject(
            oid, status.st_size, max(status.st_atime, status.st_mtime),
            tuple(sorted(names.get(oid.md5, ()))),
        )
        for oid, status in cache.objects()
    ]  # fmt: skip
    return sorted(objects, key=lambda each: (-each.size, str(each.oid)))


def _names(session: Session) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for item in session.reader.everything():
        if item.pointer is not None:
            names.setdefault(item.pointer.md5, []).append(item.name)
    return names


def verify_cache(
    session: Session, cache: Cache, *, remove: bool = False, progress: Progress = SILENT
) -> Iterator[tuple[CachedObject, bool]]:
    """Read every object of a cache, and tell whether it still has its digest.

    Parameters
    ----------
    session : Session
        Remembers what was found good.
    cache : Cache
        Which.
    remove : bool
        Whether to remove damaged objects, so that the next pull brings them again.
    progress : Progress
        Told about each object.

    Yields
    ------
    object : CachedObject
    sound : bool
    """
    objects = list_cache(session, cache)
    progress.start("Reading", files=len(objects), size=sum(each.size for each in objects))
    try:
        for each in objects:
            sound = _is_sound(session, cache, each.oid)
            progress.advance(files=1, size=each.size)
            if not sound and remove:
                cache.discard(each.oid)
            yield each, sound
    finally:
        progress.finish()


def _is_sound(session: Session, cache: Cache, oid: ObjectId) -> bool:
    before = cache.stat(oid)
    expected = Expected(oid.md5, legacy=oid.legacy and not oid.listing)
    try:
        size, digests = cache.digests(oid, expected.algorithms)
    except NeurogisterError:
        return False
    if before is None or expected.difference(size, digests) is not None:
        session.state.forget(cache, [oid])
        return False
    session.state.remember(cache, [(oid, before, None)])
    return True


def chosen_cache(session: Session, *, user: bool) -> Cache:
    """Return the cache of the checkout around us, or the user's own."""
    if user or session.reader.worktree is None:
        return session.user_cache
    return session.holdings.caches[0]


@dataclass(frozen=True, slots=True)
class CachedFolder:
    """A copy of a registry, or content that was delivered into the cache.

    Parameters
    ----------
    path : Path
        Where it is.
    size : int
        Bytes.
    used : float
        When it last changed, in seconds since 1970.
    """

    path: Path
    size: int
    used: float


def list_folders(session: Session, cache: Cache) -> list[CachedFolder]:
    """List what else is in the user's own cache: nothing, if that is not the one."""
    found = []
    for name in _FOLDERS if cache.root == session.user_cache.root else ():
        for path in sorted(session.settings.cache.joinpath(name).glob("*")):
            if path.is_dir():
                sizes = [entry.stat(follow_symlinks=False).st_size for _, entry in walk(path)]
                found.append(CachedFolder(path, sum(sizes), path.stat().st_mtime))
    return found


def session_for_cache(settings: Settings, open_session: Callable[[], Session]) -> Session:
    """Open the registry, or do without one where there is none: the user's cache needs none."""
    try:
        return open_session()
    except NotFoundError:
        if settings.registry is not None:
            raise
        return Session(cast("Reader", _NoRegistry()), settings)


class _NoRegistry:
    worktree = None
    root = None

    def everything(self) -> list[Dataset]:
        return []

    def close(self) -> None: ...
