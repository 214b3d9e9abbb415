"""Files written whole or not at all, opened without following links, linked as DVC links them."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from .errors import NeurogisterError, NoSpaceError, RefusedError

NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
NONBLOCK = getattr(os, "O_NONBLOCK", 0)
BINARY = getattr(os, "O_BINARY", 0)
CLOEXEC = getattr(os, "O_CLOEXEC", 0)

FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


def translated(error: OSError, path: str | os.PathLike[str], action: str) -> NeurogisterError:
    """Return our error for one of the operating system.

    Parameters
    ----------
    error : OSError
        What the system said.
    path : path-like
        The file that it is about.
    action : str
        What we were doing, as ``write``.
    """
    if isinstance(error, NeurogisterError):
        return error
    reason = error.strerror or str(error)
    if error.errno in FULL:
        return NoSpaceError(
            f"cannot {action} {os.fspath(path)}: {reason}",
            hint="Free some space (`neurogister cache ls`, `neurogister cache prune`), then run"
            " the same command again: it goes on where it stopped.",
        )
    if error.errno in READ_ONLY:
        return RefusedError(
            f"cannot {action} {os.fspath(path)}: {reason}",
            hint="Check who owns it and its permissions, or choose another folder.",
        )
    return NeurogisterError(f"cannot {action} {os.fspath(path)}: {reason}")


@contextmanager
def system_errors(path: str | os.PathLike[str], action: str) -> Iterator[None]:
    """Turn errors of the operating system into ours, with the file and the reason."""
    try:
        yield
    except OSError as error:
        if isinstance(error, NeurogisterError):
            raise
        raise translated(error, path, action) from error


Stamp = tuple[int, int, int]
"""What tells whether a file changed: inode, time in nanoseconds, size in bytes."""


def stamp_of(status: os.stat_result) -> Stamp:
    """Return what of a file's status tells whether it changed."""
    return status.st_ino, status.st_mtime_ns, status.st_size


_tokens = itertools.count()


def _begin_tokens() -> None:
    global _tokens
    _tokens = itertools.count(int.from_bytes(os.urandom(6)))


_begin_tokens()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_tokens)


def unique_token() -> str:
    """Return 12 hexadecimal digits for a name that nobody else uses.

    Asking the system for random bytes each time would cost more than making a small file.
    """
    return f"{next(_tokens) & 0xFFFFFFFFFFFF:012x}"


def temporary_beside(path: Path) -> Path:
    """Return a name beside a file that nobody else uses."""
    return Path(temporary_text(os.fspath(path)))


def temporary_text(path: str) -> str:
    """Return the same as text, as making paths for many files takes longer than the files do."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name[:100]}.{unique_token()}.tmp")


@contextmanager
def written_whole(path: Path, *, mode: int = 0o666, sync: bool = True) -> Iterator[BinaryIO]:
    """Write a file under a temporary name, and give it its own when it is complete.

    Parameters
    ----------
    path : Path
        The file to write; its folder must exist.
    mode : int
        Permissions, less the umask.
    sync : bool
        Whether to wait until the disk has it, so that not even a power cut leaves it empty.

    Yields
    ------
    BinaryIO
        To write to. If the block raises, nothing is left behind.
    """
    temporary = temporary_beside(path)
    with system_errors(path, "write"):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY | CLOEXEC
        descriptor = os.open(temporary, flags, mode)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                yield stream
                stream.flush()
                if sync:
                    os.fsync(stream.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise


def write_whole(path: Path, data: bytes, *, mode: int = 0o666, sync: bool = True) -> None:
    """Write a file whole or not at all (see `written_whole`); a device or pipe is written to."""
    if _is_special(path):  # as root, a file would take the place of /dev/null
        with system_errors(path, "write"), path.open("wb") as stream:
            stream.write(data)
        return
    with written_whole(path, mode=mode, sync=sync) as stream:
        stream.write(data)


def _is_special(path: Path) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading, and only a file: no link, device, pipe or folder.

    Raises
    ------
    OSError
        As `open` does; ``EINVAL`` if it is not a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | NOFOLLOW | NONBLOCK | BINARY | CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
        return os.fdopen(descriptor, "rb", buffering=0)
    except BaseException:
        os.close(descriptor)
        raise


class Destination:
    """A folder that we write into, and never out of.

    Each parent folder of a file is looked at once: it must be a folder, not a link.

    Parameters
    ----------
    root : Path
        The folder; made when the first file comes.
    replaceable : bool
        Whether what lies there is only ever a copy, as in a cache: what is wrong is then replaced.

    Attributes
    ----------
    claims : object
        For whoever plans what goes here: so that no place is given away twice.
    """

    def __init__(self, root: Path, *, replaceable: bool = False) -> None:
        self.root = root
        self.replaceable = replaceable
        self.claims: Any = None
        self._start = os.path.join(root, "")
        self._known: set[str] = set()

    def path(self, relative: str) -> Path:
        """Return where a file goes (`check_parents` tells whether it may)."""
        return Path(self.text(relative))

    def text(self, relative: str) -> str:
        """Return the same as text, as a million of paths take long to make."""
        return f"{self._start}{relative}"

    def stamp(self, relative: str) -> Stamp | None:
        """Return what tells whether a file changed; None if there is none."""
        try:
            return stamp_of(os.lstat(self.text(relative)))
        except OSError:
            return None

    def check_parents(self, relative: str) -> None:
        """Check that no parent folder of a file is a link or a file.

        Raises
        ------
        RefusedError
            That names the one that is.
        """
        self._walk(relative, make=False)

    def make_parents(self, relative: str) -> Path:
        """Make the parent folders of a file, and return its path."""
        return Path(self.make_room(relative))

    def make_room(self, relative: str) -> str:
        """Make the parent folders of a file, and return its path as text."""
        self._walk(relative, make=True)
        return self.text(relative)

    def _walk(self, relative: str, *, make: bool) -> None:
        parent = relative.rpartition("/")[0]
        if parent in self._known:
            return
        if make:
            with system_errors(self.root, "make the folder"):
                self.root.mkdir(parents=True, exist_ok=True)
        done = ""
        for component in PurePosixPath(parent).parts:
            done = f"{done}/{component}" if done else component
            if done in self._known:
                continue
            if not _is_folder(self.path(done), make=make):
                return
            self._known.add(done)
        if make or self.root.is_dir():
            self._known.add(parent)


def _is_folder(path: Path, *, make: bool) -> bool:
    """Tell whether a folder is there (or make it); refuse anything else in its place."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        if make:
            with system_errors(path, "make the folder"):
                path.mkdir(exist_ok=True)
        return make
    except OSError as error:
        raise translated(error, path, "look at") from error
    if stat.S_ISDIR(mode):
        return True
    what = "a symbolic link" if stat.S_ISLNK(mode) else "not a folder"
    raise RefusedError(
        f"{path} is {what}: writing below it could change files elsewhere",
        hint="Move it away, or pull to another place with `-o DIR`.",
    )


def write_all(stream: BinaryIO, data: bytes | memoryview) -> None:
    """Write to an unbuffered file, which takes less than all when the disk is nearly full.

    Parameters
    ----------
    stream : BinaryIO
        Opened without a buffer: its `write` tells how much it took.
    data : bytes or memoryview
        All of it is written, or an error raised.
    """
    left = memoryview(data)
    while left:
        left = left[stream.write(left) :]


def free_space(path: Path) -> int:
    """Return how many bytes may still be written where a path is, or would be."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return shutil.disk_usage(path).free


def walk(root: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """List the files below a folder with their relative paths, without following links.

    Yields
    ------
    relative : str
        With ``/`` between components; in no particular order.
    entry : os.DirEntry
        Of everything that is not a folder: files, links, devices.
    """
    stack = [("", os.fspath(root))]
    while stack:
        prefix, folder = stack.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    stack.append((f"{prefix}{entry.name}/", entry.path))
                else:
                    yield f"{prefix}{entry.name}", entry
