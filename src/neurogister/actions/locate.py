"""Where the copies of datasets are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NotFoundError, RefusedError
from ..files import system_errors
from ..model.names import Target
from ..model.objects import ObjectId
from ..model.paths import check_path
from .checkedout import CheckedOut
from .describe import address_of, find_entries
from .selection import Selection, select
from .session import Session

if TYPE_CHECKING:
    from ..model.dataset import Dataset
    from ..model.record import Location
    from ..model.registryinfo import Archive


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy.

    Parameters
    ----------
    kind : {'work tree', 'cache', 'remote', 'archive', 'offline'}
        What has it; ``offline`` is an archive that somebody has to mount first.
    address : str
        A path, or the address in a remote or archive (whether it is really there was not asked).
    is_here : bool
        Whether it is a path on this machine, where something was seen.
    """

    kind: str
    address: str
    is_here: bool = False


@dataclass(frozen=True, slots=True)
class Located:
    """Where something is.

    Parameters
    ----------
    name : str
        The dataset, with version and part if those were asked for.
    file_name : str
        What its file or folder is called.
    copies : tuple of Copy
        The nearest first.
    """

    name: str
    file_name: str
    copies: tuple[Copy, ...]

    @property
    def path(self) -> Path | None:
        """The nearest copy on this machine."""
        return next((Path(each.address) for each in self.copies if each.is_here), None)

    @property
    def is_offline(self) -> bool:
        """Whether all copies are where nobody gets at them without mounting something."""
        return bool(self.copies) and all(each.kind == "offline" for each in self.copies)


def locate(session: Session, targets: Iterable[Target]) -> Iterator[Located]:
    """Find the copies of datasets: in the work tree, in the cache, in the remotes, in archives.

    Parameters
    ----------
    session : Session
        The registry.
    targets : iterable of Target
        Which; resources that are kept outside DVC too.

    Yields
    ------
    Located
        One for each target; for a glob inside a folder, one for each file.

    Raises
    ------
    NotFoundError
        If there is no such version or part.
    """
    finder = _Finder(session)
    for target in targets:
        if _is_outside(session, target):
            yield finder.outside(target)
            continue
        selection = select(session.reader, target, allow_withdrawn=True)
        yield from finder.inside(selection)


def _is_outside(session: Session, target: Target) -> bool:
    """Tell whether a state is one that DVC does not have."""
    item = target.item
    if item.pointer is not None or item.error is not None:
        return False
    if target.version is not None and session.reader.version(item, target.version).md5:
        return str(item.version) == target.version  # the newest is what its record is about
    if target.part is not None:
        raise NotFoundError(
            f"{item.name} has no part {target.part!r}: it is kept outside DVC",
            hint=f"neurogister locate {item.name}",
        )
    return True


class _Finder:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._checked_out = CheckedOut(session)

    @cached_property
    def _remotes(self) -> list[str]:
        configs = self._session.config.remotes.values()
        return [address_of(self._session, config).rstrip("/") for config in configs]

    @cached_property
    def _archives(self) -> Mapping[str, Archive]:
        return self._session.reader.info().archives

    def outside(self, target: Target) -> Located:
        item = target.item
        version = f"@{target.version}" if target.version else ""
        copies = self._archived(item)
        return Located(f"{item.name}{version}", item.place.rpartition("/")[2], copies)

    def inside(self, selection: Selection) -> Iterator[Located]:
        place = self._checked_out.find(selection)
        if selection.part is None:
            archived = self._archived(selection.item) if selection.current else ()
            yield _located(selection, _sorted(*self._copies(selection.oid, place), *archived))
        elif place is not None and (folder := place.joinpath(*selection.part.split("/"))).is_dir():
            yield _located(selection, (Copy("work tree", str(folder), is_here=True),))
        else:
            yield from self._files(selection, place)

    def _files(self, selection: Selection, place: Path | None) -> Iterator[Located]:
        entries = find_entries(self._session, selection, ask=False)
        if entries is None:
            raise NotFoundError(
                f"which files {selection.name} has is not known here",
                hint=f"`neurogister info {selection.name} --remote` asks the remote.",
            )
        for entry in entries:
            path = None if place is None else place.joinpath(*entry.path.split("/"))
            copies = self._copies(selection.wanted_entry(entry).oid, path)
            yield _located(replace(selection, part=entry.path), tuple(copies))

    def _copies(self, oid: ObjectId, place: Path | None) -> Iterator[Copy]:
        if place is not None and place.exists():
            yield Copy("work tree", str(place), is_here=True)
        for cache in self._session.holdings.caches:
            if not oid.listing and cache.stat(oid) is not None:
                yield Copy("cache", str(cache.path(oid)), is_here=True)
        for address in self._remotes:
            yield Copy("remote", f"{address}/{oid.key}")

    def _archived(self, item: Dataset) -> tuple[Copy, ...]:
        locations = item.record.locations if item.record else ()
        return _sorted(*(self._archive_copy(each, item) for each in locations))

    def _archive_copy(self, location: Location, item: Dataset) -> Copy:
        archive = self._archives.get(location.archive)
        kind = "offline" if archive and archive.accessibility == "offline" else "archive"
        if archive is None or archive.root is None or location.address is None:
            inside = location.address or item.id or item.name
            return Copy(kind, f"{location.archive}:{inside}")
        address = f"{archive.root.rstrip('/')}/{location.address}"
        # A registry that is only read from elsewhere has no say in what is on this machine.
        trusted = kind == "archive" and self._session.reader.worktree is not None
        return Copy(kind, address, is_here=trusted and _is_here(archive, location))


def _is_here(archive: Archive, location: Location) -> bool:
    """Tell whether an archive on this machine has something there, and inside of it."""
    root, address = archive.root or "", location.address or ""
    if archive.accessibility != "local" or not os.path.isabs(root):
        return False
    try:
        check_path(address)
        real, top = Path(root, address).resolve(strict=True), Path(root).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return False
    return real.is_relative_to(top)


def _sorted(*copies: Copy) -> tuple[Copy, ...]:
    """Put the copies on this machine first, those that are offline last."""
    return tuple(sorted(copies, key=lambda each: (not each.is_here, each.kind == "offline")))


def _located(selection: Selection, copies: tuple[Copy, ...]) -> Located:
    path = selection.part or selection.item.place
    return Located(selection.label, path.rpartition("/")[2], copies)


def link_into(folder: Path, found: Iterable[Located]) -> list[Path]:
    """Make symbolic links to local copies in a folder.

    Parameters
    ----------
    folder : Path
        Made if it is missing.
    found : iterable of Located
        Each link is called as its file; what is not on this machine gets none.

    Raises
    ------
    RefusedError
        If something else has the name already.
    """
    links = []
    with system_errors(folder, "make the folder"):
        folder.mkdir(parents=True, exist_ok=True)
    for each in found:
        if each.path is None:
            continue
        link = folder / each.file_name
        if not os.path.lexists(link):
            with system_errors(link, "make the link"):
                os.symlink(each.path, link)
        elif not (link.is_symlink() and os.readlink(link) == str(each.path)):
            raise RefusedError(
                f"{link} is there already", hint="Move it away, or choose another folder."
            )
        links.append(link)
    return links
