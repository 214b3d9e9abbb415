"""Which objects the pointers and ledgers of a commit name; from git alone, where it knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import InvalidFileError, NeurogisterError
from ..model.listing import parse_listing, size_limit
from ..model.names import Target
from ..model.objects import stricter
from .entries import entries_from_manifest
from .selection import select
from .writable import raise_problems

if TYPE_CHECKING:
    from ..model.dataset import Dataset
    from ..model.listing import Entry
    from ..model.objects import ObjectId, Wanted
    from ..registry.reader import Reader
    from .selection import Selection

_KEPT = ("withdrawn", "broken")


@dataclass(slots=True)
class Named:
    """The objects that a commit names.

    Parameters
    ----------
    wanted : dict
        Each with all that is known of it; the files and listings of folders too.
    listed : dict
        Listings that need not be fetched, as git has the manifest: the folder of each.
    unlisted : list of Selection
        Folders of which only their listing tells the files.
    """

    wanted: dict[ObjectId, Wanted] = field(default_factory=dict)
    listed: dict[ObjectId, Selection] = field(default_factory=dict)
    unlisted: list[Selection] = field(default_factory=list)

    def add(self, wanted: Wanted) -> None:
        """Add an object; what several say of it must hold together."""
        before = self.wanted.get(wanted.oid)
        self.wanted[wanted.oid] = wanted if before is None else stricter(before, wanted)

    def add_folder(self, selection: Selection, entries: Sequence[Entry]) -> None:
        """Add the files of a folder."""
        for entry in entries:
            self.add(selection.wanted_entry(entry))

    @property
    def most_bytes(self) -> int:
        """How many bytes all of it may have."""
        return sum(
            each.expected.size if each.expected.size is not None else each.limit
            for each in self.wanted.values()
        )


def find_named(reader: Reader, *, since: Reader | None = None) -> Named:
    """Find the objects that the pointers and ledgers of a commit name.

    Parameters
    ----------
    reader : Reader
        The commit.
    since : Reader, optional
        An earlier one, which named some already: these are left out.

    Raises
    ------
    InvalidFileError, IntegrityError, SeveralErrors
        If what names them is broken, or contradicts itself.
    """
    before = [] if since is None else since.everything()
    known = {md5 for _, _, md5 in _states(before)}
    broken = {item.path for item in before if item.error is not None}
    named = Named()
    items = reader.everything()
    problems: list[NeurogisterError] = [
        InvalidFileError(item.error, hint="Nothing was promoted.")
        for item in items
        if item.error is not None and item.path not in broken
    ]
    for item, version, md5 in _states(items):
        if md5 in known:
            continue
        try:
            _add(named, reader, item, version)
        except NeurogisterError as error:
            problems.append(error)
    raise_problems(problems, len(items))
    return named


def _states(items: Sequence[Dataset]) -> Iterator[tuple[Dataset, str | None, str]]:
    """Give every state that is named: by the pointer, and by the ledger for earlier versions."""
    for item in items:
        if item.status in _KEPT:
            continue
        now = item.pointer.digest if item.pointer is not None else None
        if now is not None:
            yield item, None, now
        for version in item.versions:
            if item.pointer is not None and version.md5 not in (None, now):
                yield item, str(version.version), str(version.md5)


def _add(named: Named, reader: Reader, item: Dataset, version: str | None) -> None:
    selection = select(reader, Target(item=item, version=version, as_typed=item.name))
    named.add(selection.wanted())
    if not selection.is_folder:
        return
    entries = entries_from_manifest(reader, selection)
    if entries is not None:
        named.listed[selection.oid] = selection
        _check_sum(selection, entries)
        named.add_folder(selection, entries)
    elif selection.current and reader.manifest_bytes(item) is not None:
        raise InvalidFileError(
            f"{item.place}.manifest.csv does not list what the pointer {item.path} names",
            hint="`neurogister deposit --new-version` writes both. Nothing was promoted.",
        )
    else:
        named.unlisted.append(selection)


def read_listing(selection: Selection, data: bytes) -> list[Entry]:
    """Return the files of a folder from its listing, which was verified but is a stranger's.

    Raises
    ------
    InvalidFileError
        If it is malformed, or names what could do harm.
    """
    return parse_listing(data, name=selection.name, nfiles=selection.nfiles)


def listing_limit(selection: Selection) -> int:
    """Return how many bytes the listing of a folder may have."""
    return size_limit(selection.nfiles)


def check_total(selection: Selection, sizes: Sequence[int]) -> None:
    """Check that the files of a folder have the bytes that its pointer says.

    Raises
    ------
    InvalidFileError
        If they do not.
    """
    if selection.size is not None and sum(sizes) != selection.size:
        raise InvalidFileError(
            f"the files of {selection.label} have {sum(sizes):,} bytes, and its pointer says"
            f" {selection.size:,}",
            hint="Tell who maintains it; nothing was promoted.",
        )


def _check_sum(selection: Selection, entries: Sequence[Entry]) -> None:
    sizes = [entry.size for entry in entries]
    known = [size for size in sizes if size is not None]
    if len(known) == len(sizes):
        check_total(selection, known)
