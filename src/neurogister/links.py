"""How files get from a cache to their place: linked as DVC links them, or copied."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from .errors import NeurogisterError
from .files import (
    BINARY,
    CLOEXEC,
    FULL,
    READ_ONLY,
    open_regular,
    temporary_beside,
    temporary_text,
    translated,
    unique_token,
    write_all,
)

AnyPath = str | os.PathLike[str]


class Linker:
    """Puts a cached object at its place, by the first kind of link that works.

    Parameters
    ----------
    kinds : sequence of {'reflink', 'hardlink', 'symlink', 'copy'}
        As DVC's ``cache.type``, in order of preference; ``copy`` is always the last resort.
    """

    def __init__(self, kinds: Sequence[str]) -> None:
        self.kinds = [*kinds] if "copy" in kinds else [*kinds, "copy"]

    def place(self, source: AnyPath, target: AnyPath, *, executable: bool = False) -> str:
        """Put a file at a target, replacing what is there, whole or not at all.

        Parameters
        ----------
        source : path-like
            The object in the cache.
        target : path-like
            Where it goes; its folder must exist.
        executable : bool
            Whether it gets the permission to be run: then it is never a link, as the object in the
            cache would get it too.

        Returns
        -------
        str
            The kind of link that was made.

        Raises
        ------
        NeurogisterError
            If the object is gone, or the file cannot be written.
        """
        source, target = os.fspath(source), os.fspath(target)
        for kind in _UNLINKED if executable else tuple(self.kinds):
            try:
                _LINKS[kind](source, target, executable)
            except OSError as error:
                if not os.path.lexists(source):
                    raise _gone(source) from error
                if kind == "copy" or error.errno in FULL:
                    raise translated(error, target, "write") from error
                if error.errno != errno.EMLINK:  # that one has enough links
                    with suppress(ValueError):  # another thread may have found out, too
                        self.kinds.remove(kind)
            else:
                return kind
        raise NeurogisterError(f"cannot write {target}: no kind of link works")

    def try_kinds(self, source: Path, target: Path) -> None:
        """Find out which kinds work from one folder to another, before anything is counted on.

        Parameters
        ----------
        source, target : Path
            Folders; if either is not there yet or cannot be written, nothing is found out.
        """
        while not target.is_dir() and target != target.parent:
            target = target.parent
        one = source / "tmp" / f"link-{unique_token()}"
        other = temporary_beside(target / "link")
        pair = os.fspath(one), os.fspath(other)
        while len(self.kinds) > 1:
            try:
                one.write_bytes(b"neurogister")
                _LINKS[self.kinds[0]](*pair, False)  # noqa: FBT003
                break
            except OSError as error:
                if error.errno in READ_ONLY or isinstance(error, FileNotFoundError):
                    break
                self.kinds.pop(0)
            finally:
                for path in (one, other):
                    with suppress(OSError):
                        path.unlink()

    @property
    def copies(self) -> bool:
        """Whether placing a file takes as much space again, as far as is known."""
        return self.kinds[0] == "copy"


def _gone(source: str) -> NeurogisterError:
    return NeurogisterError(
        f"{source} has gone from the cache while it was needed",
        hint="Something cleared the cache meanwhile (`dvc gc`?). Run the same command again.",
    )


def move_copy(copy: AnyPath, target: AnyPath, *, executable: bool = False) -> None:
    """Give a finished copy its place, replacing what is there.

    Parameters
    ----------
    copy : path-like
        On the same file system; made with the permissions of a new file.
    target : path-like
        Where it goes; its folder must exist.
    executable : bool
        Whether it gets the permission to be run.
    """
    try:
        if executable:
            mode = os.stat(copy).st_mode
            os.chmod(copy, mode | (mode & 0o444) >> 2)
        os.replace(copy, target)
    except OSError as error:
        raise translated(error, target, "write") from error


def _hardlink(source: str, target: str, executable: bool) -> None:
    del executable
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        # also after success: renaming one name of a file onto another of its names does nothing
        _replace_by(target, lambda name: os.link(source, name, follow_symlinks=False), remains=True)


def _symlink(source: str, target: str, executable: bool) -> None:
    del executable
    os.lstat(source)  # unlike the others, a symbolic link can be made to nothing
    try:
        os.symlink(source, target)
    except FileExistsError:
        _replace_by(target, lambda temporary: os.symlink(source, temporary))


def _copy(source: str, target: str, executable: bool) -> None:
    def write(temporary: str) -> None:
        with open_regular(source) as stream:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY | CLOEXEC
            descriptor = os.open(temporary, flags, 0o777 if executable else 0o666)
            with os.fdopen(descriptor, "wb", buffering=0) as copy:
                _copy_bytes(stream, copy)

    _replace_by(target, write)


def _copy_bytes(source: BinaryIO, target: BinaryIO) -> None:
    left = os.fstat(source.fileno()).st_size
    if hasattr(os, "copy_file_range"):
        with suppress(OSError):
            while left > 0:
                count = os.copy_file_range(source.fileno(), target.fileno(), min(left, 1 << 30))
                if count == 0:
                    break
                left -= count
    if left:
        source.seek(0)
        target.seek(0)
        while chunk := source.read(1 << 20):
            write_all(target, chunk)


def _reflink(source: str, target: str, executable: bool) -> None:
    if sys.platform == "darwin":
        _replace_by(target, lambda temporary: _clone_macos(source, temporary))
    elif sys.platform == "linux":
        _replace_by(target, lambda temporary: _clone_linux(source, temporary, executable))
    else:
        raise OSError(errno.ENOTSUP, "no reflinks on this system")


def try_clone(source: Path, target: Path) -> bool:
    """Make a file that shares its bytes with another one until either is changed.

    Returns
    -------
    bool
        False if the file system cannot; nothing is there then.
    """
    try:
        _reflink(os.fspath(source), os.fspath(target), False)  # noqa: FBT003
    except OSError:
        return False
    return True


_FICLONE = 0x40049409  # linux/fs.h: _IOW(0x94, 9, int)


def _clone_linux(source: str, target: str, executable: bool) -> None:
    import fcntl  # not on Windows

    with open_regular(source) as stream:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | CLOEXEC
        descriptor = os.open(target, flags, 0o777 if executable else 0o666)
        try:
            fcntl.ioctl(descriptor, _FICLONE, stream.fileno())
        finally:
            os.close(descriptor)


def _clone_macos(source: str, target: str) -> None:
    import ctypes  # only here: costs 10 ms

    library = ctypes.CDLL("libc.dylib", use_errno=True)
    if library.clonefile(os.fsencode(source), os.fsencode(target), 0) != 0:
        raise OSError(ctypes.get_errno(), "clonefile failed", os.fspath(target))
    os.chmod(target, 0o644)


def _replace_by(target: str, write: Callable[[str], None], *, remains: bool = False) -> None:
    temporary = temporary_text(target)
    try:
        write(temporary)
        os.replace(temporary, target)
    except BaseException:
        remains = True
        raise
    finally:
        if remains:
            with suppress(OSError):
                os.unlink(temporary)


_LINKS = {"reflink": _reflink, "hardlink": _hardlink, "symlink": _symlink, "copy": _copy}
_UNLINKED = ("reflink", "copy")
LINK_KINDS = tuple(_LINKS)
