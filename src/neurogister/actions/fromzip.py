"""A package made of a zip archive: the archive and its files become datasets, all or nothing."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..backends.cache import Stat
from ..errors import NotFoundError, RefusedError, UsageError
from ..files import system_errors
from ..model.identifier import Identifier
from ..model.package import Member
from ..model.table import Said
from ..model.zips import ZipSource, is_zip, why_no_zip
from ..progress import SILENT, Progress
from .deposit import deposit
from .deposited import Also, DepositReport, Manner
from .drafts import Wishes
from .packages import Changed, NewPackage, new_document, new_path, read_package
from .sources import Source, find_sources
from .vendors import get_vendor
from .writable import open_for_writing

if TYPE_CHECKING:
    from .session import Session

_PREFIX = "unzip-"
_STALE = 24 * 3600  # seconds; what a killed command has unpacked is of no use then


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipWishes:
    """Which archive becomes datasets, and where.

    Parameters
    ----------
    file : Path
        The zip archive.
    to : str
        The collection, perhaps with folders below it.
    id : str, optional
        The identifier of its files, and with ``-zip`` behind it that of the archive; else they
        follow from its name.
    new_collection, allow_duplicate
        As in `Wishes`.
    """

    file: Path
    to: str
    id: str | None = None
    new_collection: bool = False
    allow_duplicate: bool = False


def create_from_zip(
    session: Session,
    new: NewPackage,
    wishes: ZipWishes,
    manner: Manner | None = None,
    *,
    progress: Progress = SILENT,
) -> Changed:
    """Make a package of a zip archive, which it can still be delivered as.

    The archive becomes the dataset ``COLLECTION/NAME.zip``, its files (without the one leading
    folder, if there is one) the dataset ``COLLECTION/NAME``, and these the members of the package.

    Parameters
    ----------
    session : Session
        The registry: a checkout.
    new : NewPackage
        The name of the package, and what is said of it; title and licence go to the datasets, too.
    wishes : ZipWishes
        The archive, and where to.
    manner : Manner, optional
        How to deposit.
    progress : Progress
        Told about long work.

    Returns
    -------
    Changed

    Raises
    ------
    InvalidFileError
        If the archive is none, or could do harm.
    IntegrityError
        If it is damaged.
    UsageError, NotFoundError
        If there is no such vendor, collection or file, or something cannot be called so.
    RefusedError
        If there is such a package, an identifier was ever used, or the content is there already.
        Nothing was changed.
    """
    manner = manner or Manner()
    if not new.purpose.strip():
        raise UsageError("a package needs a purpose", hint="`--purpose TEXT`")
    open_for_writing(session)
    names = _Names.find(wishes)
    seen = _look(wishes.file)
    with _room(session, keep=manner.writes) as room:
        sources = _sources(session, new, wishes, names, room)
        members = _members(names.id, sources[1])
        written = _Written(session, new, members, ZipSource(names.zip_id, names.file))
        also = Also(
            (written.path,), lambda: _unless_changed(wishes.file, seen, written),
            f"Create the package {new.name} from {names.file}",
        )  # fmt: skip
        chosen = Wishes(
            to=wishes.to, new_collection=wishes.new_collection,
            allow_duplicate=wishes.allow_duplicate,
        )  # fmt: skip
        before = written.build()
        report = deposit(session, sources, chosen, manner, also=also, progress=progress)
    return _changed(new, written, report, members if before else (), bool(before))


@dataclass(frozen=True, slots=True)
class _Names:
    """What the datasets of an archive are called."""

    file: str
    stem: str
    id: str
    zip_id: str

    @classmethod
    def find(cls, wishes: ZipWishes) -> _Names:
        name = wishes.file.name
        if not is_zip(name):
            raise UsageError(f"{name[:80]!a} is not called as a zip archive: NAME.zip")
        stem = name[: -len(".zip")]
        if (why := why_no_zip(name)) is not None:
            raise UsageError(f"the archive {why}", hint="Rename it.")
        base = wishes.id or re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")
        return cls(name, stem, str(Identifier.parse(base)), str(Identifier.parse(f"{base}-zip")))


class _Written:
    """The file of the package that is to be: built when nobody else changes the registry."""

    def __init__(
        self, session: Session, new: NewPackage, members: tuple[Member, ...], archive: ZipSource
    ) -> None:
        self._session = session
        self._new = new
        self.members = members
        self._archive = archive
        self.path = ""
        self.build()

    def build(self) -> Mapping[str, bytes]:
        """Return what is to be written; nothing if an earlier try has made this very package."""
        if (known := self._known()) is not None:
            self.path = known
            return {}
        self.path = new_path(self._session, self._new.name)
        data = new_document(self.path, self._new, self.members, self._archive)
        return {self.path: data}

    def _known(self) -> str | None:
        reader = self._session.reader
        vendor = get_vendor(self._session, self._new.name.removeprefix("store/").partition("/")[0])
        wanted = f"{vendor.name}/{self._new.name.rpartition('/')[2]}"
        for each in reader.packages():
            if each.name == wanted and each.record_path is not None and each.error is None:
                said = read_package(reader.read_file(each.record_path) or b"", each.record_path)
                if (said.members, said.zip) == (self.members, self._archive):
                    return each.record_path
        return None


def _look(path: Path) -> Stat:
    try:
        return Stat.of(os.lstat(path))
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"there is no file {path}", hint="Nothing was changed.") from None


def _unless_changed(path: Path, seen: Stat, written: _Written) -> Mapping[str, bytes]:
    """The files and the archive must be of one and the same content."""
    if _look(path) != seen:
        raise RefusedError(
            f"{path} changed while it was read", hint="Run the command again. Nothing was changed."
        )
    return written.build()


@contextmanager
def _room(session: Session, *, keep: bool) -> Iterator[Path]:
    """Give a folder to unpack in: beside the cache, where there must be room for it anyway."""
    work = session.holdings.target().work if keep else None
    if work is not None:
        _clear(work)
    with system_errors(work or tempfile.gettempdir(), "make a folder in"):
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=work))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _clear(work: Path) -> None:
    for path in work.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if path.lstat().st_mtime < time.time() - _STALE:
                shutil.rmtree(path)


def _sources(
    session: Session, new: NewPackage, wishes: ZipWishes, names: _Names, room: Path
) -> list[Source]:
    """Unpack the archive, and look at both: the archive comes first."""
    from ..backends.zips import unpack_zip  # for this command alone

    folder = room / names.stem
    unpack_zip(wishes.file, folder, strip_root=True)
    archive, files = find_sources([wishes.file, folder])
    keeps = session.reader.info().policy.keep_extensions
    return [
        replace(
            archive, said=Said(id=names.zip_id, license=new.license),
            called=names.file if keeps else None,
        ),
        replace(
            files, typed=f"what is in {names.file}", called=names.stem if keeps else None,
            said=Said(
                id=names.id, title=new.title, license=new.license,
                derived_from=(f"{names.zip_id}@1",),
            ),
        ),
    ]  # fmt: skip


def _members(identifier: str, files: Source) -> tuple[Member, ...]:
    """Return the members that put the files into the package as they are in the archive."""
    tops = dict.fromkeys(each.partition("/")[0] for each in files.files or ())
    return tuple(Member(identifier, top, top) for top in tops)


def _changed(
    new: NewPackage, written: _Written, report: DepositReport, added: tuple[Member, ...],
    is_new: bool,
) -> Changed:  # fmt: skip
    return Changed(
        name=new.name, file=written.path, members=written.members, added=added,
        changed=is_new or report.changes, staged=tuple(report.staged), commit=report.commit,
        deposited=tuple(report.deposited), unpushed=report.unpushed,
    )  # fmt: skip
