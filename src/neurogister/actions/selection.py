"""From names to content: which objects a name, version and part stand for."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import NotFoundError, RefusedError
from ..model.digest import Expected
from ..model.objects import ObjectId, Wanted

if TYPE_CHECKING:
    from ..model.dataset import Dataset
    from ..model.ledger import Version
    from ..model.listing import Entry
    from ..model.names import Target
    from ..registry.reader import Reader

_MOST = 1 << 50  # bytes in one object, where nothing tells how many


@dataclass(frozen=True, slots=True)
class Selection:
    """One state of a dataset or package, or a part of it.

    Parameters
    ----------
    item : Dataset
        What it is of.
    version : str, optional
        Which version, if the record or the caller says.
    current : bool
        Whether it is the state that the pointer has now.
    oid : ObjectId
        The object: of the file, or the listing of the folder.
    size, nfiles : int, optional
        Of the whole, as far as is known.
    sha256 : str, optional
        Of the file; for a folder as `listing_sha256`.
    part : str, optional
        A path or glob inside the folder.
    """

    item: Dataset
    version: str | None
    current: bool
    oid: ObjectId
    size: int | None
    nfiles: int | None
    sha256: str | None
    part: str | None = None

    @property
    def name(self) -> str:
        """The name of the dataset or package."""
        return self.item.name

    @property
    def label(self) -> str:
        """The name with version and part, as one would type it."""
        version = f"@{self.version}" if self.version and not self.current else ""
        return f"{self.name}{version}{f':{self.part}' if self.part else ''}"

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of files."""
        return self.oid.listing

    @property
    def executable(self) -> bool:
        """Whether the file may be run."""
        return self.item.pointer is not None and self.item.pointer.isexec

    @property
    def remote(self) -> str | None:
        """The remote that the pointer names."""
        return self.item.pointer.remote if self.item.pointer else None

    def wanted(self) -> Wanted:
        """Return the object: the file itself, or the listing of the folder."""
        if self.is_folder:
            from ..model.listing import size_limit  # only where a listing is wanted

            expected = Expected(self.oid.md5)
            return Wanted(
                self.oid, expected, f"the listing of {self.name}", size_limit(self.nfiles),
                self.remote,
            )  # fmt: skip
        expected = Expected(self.oid.md5, self.size, self.sha256, legacy=self.oid.legacy)
        return Wanted(self.oid, expected, self.name, self.size or _MOST, self.remote)

    def wanted_entry(self, entry: Entry, *, needs_sha256: bool = False) -> Wanted:
        """Return the object of one file of the folder."""
        oid = ObjectId(entry.md5, legacy=self.oid.legacy)
        expected = Expected(
            entry.md5, entry.size, entry.sha256, entry.sha1,
            legacy=self.oid.legacy, needs_sha256=needs_sha256,
        )  # fmt: skip
        limit = entry.size if entry.size is not None else self.size or _MOST
        return Wanted(oid, expected, f"{self.name}:{entry.path}", limit, self.remote)


def select(reader: Reader, target: Target, *, allow_withdrawn: bool = False) -> Selection:
    """Find out what a name stands for.

    Parameters
    ----------
    reader : Reader
        The registry.
    target : Target
        What the user named.
    allow_withdrawn : bool
        Whether what was withdrawn may be had all the same.

    Raises
    ------
    NotFoundError
        If there is no such version, or the resource is kept outside DVC.
    RefusedError
        If it was withdrawn, or a part of a single file is asked for.
    """
    item = target.item
    if item.status == "withdrawn" and not allow_withdrawn:
        raise RefusedError(
            f"{item.name} was withdrawn{why_withdrawn(item)}",
            hint=f"`neurogister info {item.name}` tells why. With `--force` you get it anyway,"
            " if its bytes are still kept.",
        )
    selection = _select_state(reader, item, target.version)
    if target.part is None:
        return selection
    if not selection.is_folder:
        raise NotFoundError(
            f"{item.name} is a single file: it has no part {target.part!r}",
            hint=f"Ask for {item.name} itself.",
        )
    return replace(selection, part=target.part.strip("/"))


def _select_state(reader: Reader, item: Dataset, version: str | None) -> Selection:
    pointer = item.pointer
    known = None if item.version is None else str(item.version)
    if version is not None and version != known:
        state = reader.version(item, version)
        if state.md5 is None:
            raise NotFoundError(f"{item.name}@{version} is kept outside DVC")
        same = pointer is not None and pointer.digest == state.md5
        legacy = _is_legacy(reader, item, state.md5)
        oid = ObjectId(state.md5.removesuffix(".dir"), state.is_dir, legacy)
        return Selection(item, version, same, oid, state.size, state.nfiles, state.sha256)
    if pointer is None and item.status == "withdrawn" and (last := _last_kept(item)) is not None:
        oid = ObjectId((last.md5 or "").removesuffix(".dir"), last.is_dir)
        return Selection(
            item, str(last.version), True,  # noqa: FBT003 - `current`
            oid, last.size, last.nfiles, last.sha256,
        )  # fmt: skip
    if pointer is None:
        raise NotFoundError(
            f"{item.name} is kept outside DVC: there is nothing to pull",
            hint=f"`neurogister info {item.name}` tells where it is.",
        )
    return Selection(
        item, known, True,  # noqa: FBT003 - `current`
        ObjectId(pointer.md5, pointer.is_dir, pointer.legacy),
        pointer.size, pointer.nfiles, _recorded_sha256(item),
    )  # fmt: skip


def why_withdrawn(item: Dataset) -> str:
    """Return when and why something was withdrawn, as the end of a sentence."""
    said = item.record.withdrawn if item.record is not None else None
    if said is None:
        return ""
    date = f" on {said.date[:10]}" if said.date else ""
    return f"{date}{f': {said.reason}' if said.reason else ''}"


def _last_kept(item: Dataset) -> Version | None:
    """Return the newest version in a tombstone that DVC keeps, or kept."""
    return next((each for each in reversed(item.versions) if each.md5 is not None), None)


def _is_legacy(reader: Reader, item: Dataset, md5: str) -> bool:
    """Tell whether DVC 2 wrote a version; a registry may have gone over to DVC 3 since."""
    now = item.pointer is not None and item.pointer.legacy
    if item.versions or (item.pointer is not None and item.pointer.digest == md5):
        return now
    for state in reader.history(item):
        if state.md5 == md5 and state.commit is not None:
            with closing(reader.at(state.commit)) as then:
                found = [each.pointer for each in then.find_place(item.place)]
            return any(pointer is not None and pointer.legacy for pointer in found)
    return now


def _recorded_sha256(item: Dataset) -> str | None:
    """Return the sha256 that the ledger has for the content that the pointer has."""
    if item.pointer is None:
        return None
    md5 = item.pointer.digest
    return next((each.sha256 for each in reversed(item.versions) if each.md5 == md5), None)
