"""Where the copies of datasets are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..backends.cache import ObjectId
from ..errors import NotFoundError, RefusedError
from ..files import system_errors
from ..model.names import Target
from .checkedout import CheckedOut
from .describe import address_of, find_entries
from .selection import Selection, select
from .session import Session


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy.

    Parameters
    ----------
    kind : {'work tree', 'cache', 'remote'}
    address : str
        A path, or the address in a remote (whether it is really there was not asked).
    """

    kind: str
    address: str


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
        if self.copies and self.copies[0].kind != "remote":
            return Path(self.copies[0].address)
        return None


def locate(session: Session, targets: Iterable[Target]) -> Iterator[Located]:
    """Find the copies of datasets: in the work tree, in the cache, in the remotes.

    Yields
    ------
    Located
        One for each target; for a glob inside a folder, one for each file.

    Raises
    ------
    NotFoundError
        If there is no such version or part.
    """
    checked_out = CheckedOut(session)
    for target in targets:
        selection = select(session.reader, target, allow_withdrawn=True)
        place = checked_out.find(selection)
        if selection.part is None:
            yield _located(selection, _copies(session, selection.oid, place))
        elif place is not None and (folder := place.joinpath(*selection.part.split("/"))).is_dir():
            yield _located(selection, (Copy("work tree", str(folder)),))
        else:
            yield from _locate_files(session, selection, place)


def _locate_files(session: Session, selection: Selection, place: Path | None) -> Iterator[Located]:
    entries = find_entries(session, selection, ask=False)
    if entries is None:
        raise NotFoundError(
            f"which files {selection.name} has is not known here",
            hint=f"`neurogister info {selection.name} --remote` asks the remote.",
        )
    for entry in entries:
        path = None if place is None else place.joinpath(*entry.path.split("/"))
        copies = _copies(session, selection.wanted_entry(entry).oid, path)
        yield _located(replace(selection, part=entry.path), copies)


def _located(selection: Selection, copies: tuple[Copy, ...]) -> Located:
    path = selection.part or selection.item.place
    return Located(selection.label, path.rpartition("/")[2], copies)


def _copies(session: Session, oid: ObjectId, place: Path | None) -> tuple[Copy, ...]:
    copies = []
    if place is not None and place.exists():
        copies.append(Copy("work tree", str(place)))
    copies += [
        Copy("cache", str(cache.path(oid)))
        for cache in session.holdings.caches
        if not oid.listing and cache.stat(oid) is not None
    ]
    copies += [
        Copy("remote", f"{address_of(session, config).rstrip('/')}/{oid.key}")
        for config in session.config.remotes.values()
    ]
    return tuple(copies)


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
