"""Zip archives made by strangers: all of one is checked before a byte is written.

Every member counts: what an archiver added (``__MACOSX/``, ``.DS_Store``) is a file like any other.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import IntegrityError, InvalidFileError, RefusedError
from ..files import (
    BINARY,
    CLOEXEC,
    NOFOLLOW,
    free_space,
    open_regular,
    system_errors,
    temporary_beside,
    translated,
)
from ..model.digest import CHUNK_SIZE
from ..model.paths import check_path, check_together

_MAX_DIRECTORY = 16 << 20  # what 100,000 members take, with names of usual length
_LOCAL_HEADER = 30
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HINT = "Ask who made the archive for another one; nothing was unpacked."
_BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,  # an encrypted member
    UnicodeError,
    ValueError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipLimits:
    """How much an archive may hold.

    Parameters
    ----------
    members : int
        Files and folders.
    size : int
        Bytes of all files together, unpacked.
    ratio : int
        How many times the size of the archive that may be; `small` is always allowed.
    small : int
        Bytes, unpacked, that do no harm whatever the ratio.
    """

    members: int = 100_000
    size: int = 256 << 30
    ratio: int = 250
    small: int = 1 << 30


LIMITS = ZipLimits()


@dataclass(frozen=True, slots=True)
class ZipMember:
    """One file in an archive.

    Parameters
    ----------
    path : str
        With ``/`` between components, fit for `check_path`.
    size : int
        Bytes, unpacked.
    crc : int
        The CRC-32 that the archive tells of its content.
    executable : bool
        Whether it may be run.
    """

    path: str
    size: int
    crc: int
    executable: bool = False


@dataclass(frozen=True, slots=True)
class ZipPlan:
    """What unpacking an archive will write.

    Parameters
    ----------
    members : tuple of ZipMember
        The files, in the order of the archive.
    folders : tuple of str
        The folders that it names, which may be empty.
    root : str, optional
        The one leading folder that all of it lies in.
    """

    members: tuple[ZipMember, ...]
    folders: tuple[str, ...] = ()
    root: str | None = None

    @property
    def size(self) -> int:
        """Bytes of all files together, unpacked."""
        return sum(member.size for member in self.members)

    def inside(self, path: str, *, strip_root: bool) -> str:
        """Return where a member goes in the folder that is unpacked to; empty for the root.

        Parameters
        ----------
        path : str
            Of a member or folder.
        strip_root : bool
            Whether the one leading folder, if there is one, is left out.
        """
        if self.root is None or not strip_root:
            return path
        return path[len(self.root) + 1 :]


def read_zip(path: Path, *, limits: ZipLimits = LIMITS) -> ZipPlan:
    """Read what is in a zip archive, trusting nothing in it.

    Parameters
    ----------
    path : Path
        The archive.
    limits : ZipLimits
        How much it may hold.

    Returns
    -------
    ZipPlan
        All that unpacking would write.

    Raises
    ------
    InvalidFileError
        If it is no zip archive, or one of its members could do harm: a path that climbs or is not
        portable, two members at one place, a link or device, an encrypted one, too much data.
    """
    with _opened(path) as archive:
        return _plan(path, archive, limits)


def unpack_zip(
    path: Path, into: Path, *, strip_root: bool = False, limits: ZipLimits = LIMITS
) -> list[Path]:
    """Unpack a zip archive into a new folder, whole or not at all.

    Files are written below a hidden folder beside the new one, which is renamed at the end. One
    that was interrupted leaves ``.NAME.….tmp`` behind, which may be deleted. Permissions are those
    of new files, times are those of unpacking.

    Parameters
    ----------
    path : Path
        The archive.
    into : Path
        The folder, which may not be there yet; its parent must be.
    strip_root : bool
        Whether the one leading folder that all members share is left out.
    limits : ZipLimits
        How much it may hold.

    Returns
    -------
    list of Path
        The files, in the order of the archive.

    Raises
    ------
    InvalidFileError
        As `read_zip` does.
    IntegrityError
        If the data of a member is damaged, or is not of the size that the archive tells.
    RefusedError
        If something is at `into` already.
    NoSpaceError
        If the disk is, or would be, full.
    """
    if os.path.lexists(into):
        raise _taken(into)
    with _opened(path) as archive:
        plan = _plan(path, archive, limits)
        _check_space(path, into, plan)
        temporary = temporary_beside(into)
        try:
            _write(path, archive, plan, temporary, strip_root=strip_root)
            _put(temporary, into)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    return [into / plan.inside(each.path, strip_root=strip_root) for each in plan.members]


class _Source(io.BufferedReader):
    """A file of which nobody reads more at once than an honest archive needs.

    `zipfile` reads the whole list of members, of whatever length the archive tells.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as a file does, but never more than a list of members may take."""
        if size is None or size < 0:
            size = _MAX_DIRECTORY + 1
            if len(data := super().read(size)) < size:
                return data
        elif size <= _MAX_DIRECTORY:
            return super().read(size)
        raise zipfile.BadZipFile("its list of members is too long")


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    with system_errors(path, "read"):
        raw = open_regular(path)
    with _Source(raw) as source:  # type: ignore[arg-type]  # a FileIO, as it is not buffered
        try:
            archive = zipfile.ZipFile(source)
        except _BROKEN as error:
            raise _invalid(path, f"is no sound zip archive: {_reason(error)}") from error
        except OSError as error:
            raise translated(error, path, "read") from error
        with archive:
            yield archive


def _plan(path: Path, archive: zipfile.ZipFile, limits: ZipLimits) -> ZipPlan:
    infos = archive.infolist()
    if len(infos) > limits.members:
        raise _invalid(path, f"has {len(infos):,} members, more than {limits.members:,}")
    for info in infos:
        _check_member(path, info)
    _check_amount(path, infos, limits)
    _check_overlaps(path, archive, infos)
    members = tuple(_member(info) for info in infos if not info.is_dir())
    folders = tuple(info.filename.rstrip("/") for info in infos if info.is_dir())
    try:
        # A name that no member can have stands for what is in a folder.
        check_together([*(each.path for each in members), *(f"{each}/\0" for each in folders)])
    except ValueError as error:
        raise _invalid(path, f"has members in each other's way: {_plainly(error)}") from error
    return ZipPlan(members, folders, _root(members, folders))


def _check_member(path: Path, info: zipfile.ZipInfo) -> None:
    for name in {info.filename, info.orig_filename}:
        try:
            check_path(name[:-1] if name.endswith("/") else name)
        except ValueError as error:
            raise _invalid(path, f"has a member {name!r}, which {error}") from error
    if reason := _harm(info):
        raise _invalid(path, f"has a member {info.filename!r}, which {reason}")


def _harm(info: zipfile.ZipInfo) -> str | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a symbolic link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a device or pipe"
    if kind == stat.S_IFDIR and not info.is_dir():
        return "is a folder in one place and a file in another"
    if info.is_dir() and info.file_size:
        return "is a folder with content"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if info.compress_type not in _METHODS:
        return f"is compressed in a way that we do not read (method {info.compress_type})"
    return None


def _check_amount(path: Path, infos: list[zipfile.ZipInfo], limits: ZipLimits) -> None:
    size = sum(info.file_size for info in infos)
    packed = path.stat().st_size
    if size > limits.size:
        raise _invalid(path, f"would become {size:,} bytes, more than {limits.size:,}")
    if size > max(limits.small, packed * limits.ratio):
        raise _invalid(path, f"would become {size:,} bytes out of {packed:,}: that is a zip bomb")


def _check_overlaps(path: Path, archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> None:
    """Refuse members that share bytes: a small archive could become any amount."""
    end = archive.start_dir
    for info in sorted(infos, key=lambda each: each.header_offset, reverse=True):
        least = info.header_offset + _LOCAL_HEADER + info.compress_size
        if info.header_offset < 0 or least > end:
            reason = "overlaps another one, or the list of members"
            raise _invalid(path, f"has a member {info.filename!r}, which {reason}")
        end = info.header_offset


def _member(info: zipfile.ZipInfo) -> ZipMember:
    executable = bool(info.external_attr >> 16 & stat.S_IXUSR)
    return ZipMember(info.filename, info.file_size, info.CRC, executable)


def _root(members: tuple[ZipMember, ...], folders: tuple[str, ...]) -> str | None:
    tops = {path.partition("/")[0] for path in (*(each.path for each in members), *folders)}
    files = any("/" not in each.path for each in members)
    return tops.pop() if len(tops) == 1 and not files else None


def _check_space(path: Path, into: Path, plan: ZipPlan) -> None:
    with system_errors(into, "write"):
        if plan.size > free_space(into.parent):
            needed = f"{path.name} needs {plan.size:,} bytes unpacked, which are not free"
            raise OSError(errno.ENOSPC, needed)


def _write(
    path: Path, archive: zipfile.ZipFile, plan: ZipPlan, root: Path, *, strip_root: bool
) -> None:
    with system_errors(root, "make the folder"):
        root.mkdir()
    for folder in plan.folders:
        _make(root / plan.inside(folder, strip_root=strip_root))
    files = [info for info in archive.infolist() if not info.is_dir()]
    for info, member in zip(files, plan.members, strict=True):
        target = root / plan.inside(member.path, strip_root=strip_root)
        _make(target.parent)
        with system_errors(target, "write"), _new_file(target, member) as stream:
            _copy(path, archive, info, stream)


def _make(folder: Path) -> None:
    with system_errors(folder, "make the folder"):
        folder.mkdir(parents=True, exist_ok=True)


def _new_file(target: Path, member: ZipMember) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY | CLOEXEC | NOFOLLOW
    return os.fdopen(os.open(target, flags, 0o777 if member.executable else 0o666), "wb")


def _copy(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: BinaryIO) -> None:
    """Write one member; `zipfile` gives no more than the size told, and checks the CRC."""
    size = 0
    try:
        with archive.open(info) as source:
            while chunk := source.read(CHUNK_SIZE):
                size += len(chunk)
                target.write(chunk)
    except _BROKEN as error:
        raise _damaged(path, info, _reason(error)) from error
    if size != info.file_size:
        raise _damaged(path, info, f"has {size:,} bytes instead of {info.file_size:,}")


def _put(temporary: Path, into: Path) -> None:
    with system_errors(into, "make the folder"):
        if os.path.lexists(into):
            raise _taken(into)
        os.rename(temporary, into)


def _taken(into: Path) -> RefusedError:
    return RefusedError(
        f"{into} is there already, and an archive is unpacked into a new folder only",
        hint="Move it away, or choose another folder.",
    )


def _invalid(path: Path, reason: str) -> InvalidFileError:
    return InvalidFileError(f"{path} {reason}", hint=_HINT)


def _damaged(path: Path, info: zipfile.ZipInfo, reason: str) -> IntegrityError:
    return IntegrityError(f"{path}: its member {info.filename!r} is damaged: {reason}", hint=_HINT)


def _plainly(error: ValueError) -> str:
    return str(error).replace("\\x00", "…").replace("\0", "…")


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())[:200]
    return "".join(each if each.isprintable() else "?" for each in text) or type(error).__name__
