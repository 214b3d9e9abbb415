"""Files written whole or not at all, opened without following links, linked as DVC links them."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from .errors import NeurogisterError, NoSpaceError, RefusedError

NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
NONBLOCK = getattr(os, "O_NONBLOCK", 0)
BINARY = getattr(os, "O_BINARY", 0)
CLOEXEC = getattr(os, "O_CLOEXEC", 0)

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


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
    if error.errno in _FULL:
        return NoSpaceError(
            f"cannot {action} {os.fspath(path)}: {reason}",
            hint="Free some space (`neurogister cache ls`, `neurogister cache prune`), then run"
            " the same command again: it goes on where it stopped.",
        )
    if error.errno in _READ_ONLY:
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
    return path.with_name(f".{path.name[:100]}.{unique_token()}.tmp")


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
    """Write a file whole or not at all (see `written_whole`)."""
    with written_whole(path, mode=mode, sync=sync) as stream:
        stream.write(data)


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

    Attributes
    ----------
    claims : object
        For whoever plans what goes here: so that no place is given away twice.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.claims: Any = None
        self._start = os.path.join(root, "")
        self._known: set[str] = set()

    def path(self, relative: str) -> Path:
        """Return where a file goes (`check_parents` tells whether it may)."""
        return Path(self.text(relative))

    def text(self, relative: str) -> str:
        """Return the same as text, as a million of paths take long to make."""
        return f"{self._start}{relative}"

    def stamp(self, relative: str) -> tuple[int, int, int] | None:
        """Return what tells whether a file changed: inode, time, size; None if there is none."""
        try:
            status = os.lstat(self.text(relative))
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

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
        self._walk(relative, make=True)
        return self.path(relative)

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


class Linker:
    """Puts a cached object at its place, by the first kind of link that works.

    Parameters
    ----------
    kinds : sequence of {'reflink', 'hardlink', 'symlink', 'copy'}
        As DVC's ``cache.type``, in order of preference; ``copy`` is always the last resort.
    """

    def __init__(self, kinds: Sequence[str]) -> None:
        self.kinds = [*kinds] if "copy" in kinds else [*kinds, "copy"]

    def place(self, source: Path, target: Path, *, executable: bool = False) -> str:
        """Put a file at a target, replacing what is there, whole or not at all.

        Parameters
        ----------
        source : Path
            The object in the cache.
        target : Path
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
        for kind in _UNLINKED if executable else tuple(self.kinds):
            try:
                _LINKS[kind](source, target, executable)
            except OSError as error:
                if not os.path.lexists(source):
                    raise _gone(source) from error
                if kind == "copy" or error.errno in _FULL:
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
        while len(self.kinds) > 1:
            try:
                one.write_bytes(b"neurogister")
                _LINKS[self.kinds[0]](one, other, False)  # noqa: FBT003
                break
            except OSError as error:
                if error.errno in _READ_ONLY or isinstance(error, FileNotFoundError):
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


def _gone(source: Path) -> NeurogisterError:
    return NeurogisterError(
        f"{source} has gone from the cache while it was needed",
        hint="Something cleared the cache meanwhile (`dvc gc`?). Run the same command again.",
    )


def move_copy(copy: Path, target: Path, *, executable: bool = False) -> None:
    """Give a finished copy its place, replacing what is there.

    Parameters
    ----------
    copy : Path
        On the same file system; made with the permissions of a new file.
    target : Path
        Where it goes; its folder must exist.
    executable : bool
        Whether it gets the permission to be run.
    """
    with system_errors(target, "write"):
        if executable:
            mode = copy.stat().st_mode
            copy.chmod(mode | (mode & 0o444) >> 2)
        os.replace(copy, target)


def _hardlink(source: Path, target: Path, executable: bool) -> None:
    del executable
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        _replace_by(target, lambda temporary: os.link(source, temporary, follow_symlinks=False))


def _symlink(source: Path, target: Path, executable: bool) -> None:
    del executable
    os.lstat(source)  # unlike the others, a symbolic link can be made to nothing
    try:
        os.symlink(source, target)
    except FileExistsError:
        _replace_by(target, lambda temporary: os.symlink(source, temporary))


def _copy(source: Path, target: Path, executable: bool) -> None:
    def write(temporary: Path) -> None:
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


def _reflink(source: Path, target: Path, executable: bool) -> None:
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
        _reflink(source, target, False)  # noqa: FBT003
    except OSError:
        return False
    return True


_FICLONE = 0x40049409  # linux/fs.h: _IOW(0x94, 9, int)


def _clone_linux(source: Path, target: Path, executable: bool) -> None:
    import fcntl  # not on Windows

    with open_regular(source) as stream:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | CLOEXEC
        descriptor = os.open(target, flags, 0o777 if executable else 0o666)
        try:
            fcntl.ioctl(descriptor, _FICLONE, stream.fileno())
        finally:
            os.close(descriptor)


def _clone_macos(source: Path, target: Path) -> None:
    import ctypes  # only here: costs 10 ms

    library = ctypes.CDLL("libc.dylib", use_errno=True)
    if library.clonefile(os.fsencode(source), os.fsencode(target), 0) != 0:
        raise OSError(ctypes.get_errno(), "clonefile failed", os.fspath(target))
    os.chmod(target, 0o644)


def _replace_by(target: Path, write: Callable[[Path], None]) -> None:
    temporary = temporary_beside(target)
    try:
        write(temporary)
        os.replace(temporary, target)
    finally:
        # also after success: renaming one name of a file onto another of its names does nothing
        with suppress(OSError):
            os.unlink(temporary)


_LINKS = {"reflink": _reflink, "hardlink": _hardlink, "symlink": _symlink, "copy": _copy}
_UNLINKED = ("reflink", "copy")
LINK_KINDS = tuple(_LINKS)


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
