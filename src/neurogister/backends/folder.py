"""A folder as a remote: on this computer, or on a file server that is mounted."""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from ..errors import IntegrityError, NetworkError, NeurogisterError
from ..files import BINARY, CLOEXEC, NOFOLLOW, open_regular, temporary_beside, write_all
from ..model.digest import CHUNK_SIZE
from .remotebase import Advance, Faults, ObjectStat, ignore, read_whole
from .uploads import Body

if TYPE_CHECKING:
    from ..model.digest import Buffer
    from ..model.remote import RemoteConfig

_JOBS = 8
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR})
_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
_UNFINISHED = re.compile(r"\A\.[0-9a-f]{30}(\.dir)?\.[0-9a-f]{12}\.tmp\Z")
_DAY = 24 * 3600
_STALE = frozenset({errno.ESTALE, errno.EIO, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN})


class FolderRemote:
    """A folder of objects.

    Parameters
    ----------
    config : RemoteConfig
        What DVC's configuration says; its ``url`` is an absolute path.
    jobs : int
        How many objects at once, unless the configuration says otherwise.
    """

    def __init__(self, config: RemoteConfig, *, jobs: int) -> None:
        self.name = config.name
        self.address = config.address
        self.preferred_jobs = int(config.number("jobs") or min(jobs, _JOBS))
        self._root = Path(config.url)
        self._inside = len(Path(config.in_tree).parts) if config.in_tree else 0
        self._faults = Faults(
            self.name, self.address, "Ask its owner, or your administrator, to let you in."
        )
        self._shared = config.text("shared") == "group"
        self._known: set[Path] = set()
        self._made: set[Path] = set()

    def prefetch(self, keys: Iterable[str]) -> None:
        """Do nothing: the files are at hand."""

    def read(self, key: str, *, limit: int, careful: bool = False) -> bytes:
        """Return a small object whole; `Remote.read` says more."""
        del careful  # there is but one way
        with self.open(key) as stream:
            return read_whole(stream, key, limit=limit, faults=self._faults)

    def open(self, key: str, *, start: int = 0) -> FileStream:
        """Return an object as a stream; `Remote.open` says more."""
        with self._errors(key):
            file = open_regular(self._find(key))
        return FileStream(self, key, file, start)

    def size(self, key: str) -> int | None:
        """Return how many bytes an object has."""
        with self._errors(key):
            return os.lstat(self._find(key)).st_size

    def stat(self, key: str, *, careful: bool = False) -> ObjectStat:
        """Return the size of an object."""
        del careful  # there is but one way
        if not os.path.lexists(self._root) and self._may_make_root():
            raise self._faults.absent(key)
        return ObjectStat(self.size(key))

    def why_not_writable(self) -> None:
        """Say that it may be tried."""

    def write(
        self,
        key: str,
        source: Buffer | Path,
        *,
        md5: str | None = None,
        careful: bool = False,
        advance: Advance = ignore,
    ) -> ObjectStat:
        """Store an object whole; `Remote.write` says more."""
        del md5, careful
        body = Body(source, advance)
        with self._errors(key, self._faults.of_storing), body.own_errors():
            self._make_folder(self._root.joinpath(*key.split("/")[:-1]), key)
            self._write(self._root.joinpath(*key.split("/")), body)
        return ObjectStat()

    def _write(self, path: Path, body: Body) -> None:
        temporary = temporary_beside(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOFOLLOW | BINARY | CLOEXEC
        try:
            with os.fdopen(os.open(temporary, flags, 0o644), "wb", buffering=0) as stream:
                for chunk in body:
                    write_all(stream, memoryview(chunk))
                os.fsync(stream.fileno())
            with suppress(OSError):  # not every file system has permissions
                os.chmod(temporary, 0o444)  # as DVC does
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        _sync_folder(path.parent)

    def _make_folder(self, folder: Path, key: str) -> None:
        """Make the folder of an object, and those that it is in; none of them may be a link."""
        if folder in self._made:
            return
        if not self._inside:
            self._make_root()
        for path in self._own_folders(folder):
            try:
                mode = os.lstat(path).st_mode
            except FileNotFoundError:
                self._make(path)
            else:
                if not stat.S_ISDIR(mode):
                    raise self._odd(key, path, mode)
        _clear_unfinished(folder)
        self._made.add(folder)

    def _make_root(self) -> None:
        """Make the folder itself, but not what it is in: that may only have to be mounted."""
        if self._root.is_dir():
            return
        if not self._may_make_root():
            raise self._unmounted()
        self._make(self._root)

    def _may_make_root(self) -> bool:
        return bool(self._inside) or self._root.parent.is_dir()

    def _make(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        if self._shared:
            with suppress(OSError):
                folder.chmod(0o2775)  # as DVC does

    def _find(self, key: str) -> Path:
        """Return the path of an object: a file, in folders that are no links."""
        self._check_folder(self._root.joinpath(*key.split("/")[:-1]), key)
        path = self._root.joinpath(*key.split("/"))
        mode = os.lstat(path).st_mode
        if not stat.S_ISREG(mode):
            raise self._odd(key, path, mode)
        return path

    def _check_folder(self, folder: Path, key: str) -> None:
        if folder in self._known:
            return
        if not self._root.is_dir():
            raise self._unmounted()
        for path in self._own_folders(folder):
            mode = os.lstat(path).st_mode
            if not stat.S_ISDIR(mode):
                raise self._odd(key, path, mode)
        self._known.add(folder)

    def _own_folders(self, folder: Path) -> Iterator[Path]:
        """List the folders that come with the remote, or with the registry that it is in."""
        below = len(folder.parts) - len(self._root.parts)
        chain = [folder, *folder.parents][: below + self._inside]
        return reversed(chain)

    def _unmounted(self) -> NetworkError:
        return NetworkError(
            f"the remote '{self.name}' cannot be used: the folder {self.address} is not there"
            " (not mounted?)",
            hint="Mount (or make) it, or use another remote with `--remote NAME`.",
            temporary=False,
        )

    def _odd(self, key: str, path: Path, mode: int) -> IntegrityError:
        kinds = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe"}
        kind = kinds.get(stat.S_IFMT(mode), "no file")
        return IntegrityError(
            f"the remote '{self.name}' does not hold {key} as a file: {path} is {kind}",
            hint="Only files in real folders are read, as a link could lead anywhere.",
        )

    @contextmanager
    def _errors(self, key: str, faults: Faults | None = None) -> Iterator[None]:
        try:
            yield
        except NeurogisterError:
            raise
        except OSError as error:
            raise self.failure(error, key, faults) from error

    def failure(self, error: OSError, key: str, faults: Faults | None = None) -> NeurogisterError:
        """Return our error for one of the operating system's."""
        faults = faults or self._faults
        if error.errno in _GONE:
            return faults.absent(key) if self._root.is_dir() else self._unmounted()
        why = (error.strerror or str(error)).lower()
        if error.errno in _FULL:
            return faults.full(key, why)
        if isinstance(error, PermissionError) or error.errno == errno.EROFS:
            return faults.denied(key, why if faults.storing else "we may not read the file")
        return faults.broken(key, why, temporary=error.errno in _STALE)


def _sync_folder(folder: Path) -> None:
    """Have the system write down that a file is there, where it can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _clear_unfinished(folder: Path) -> None:
    """Remove what a killed upload of ours left a day ago or earlier."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _UNFINISHED.match(entry.name):
                with suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_mtime < time.time() - _DAY:
                        os.unlink(entry.path)


class FileStream:
    """The bytes of a file, in chunks; a context manager."""

    def __init__(self, remote: FolderRemote, key: str, file: BinaryIO, start: int) -> None:
        self._remote = remote
        self._key = key
        self._file = file
        size = os.fstat(file.fileno()).st_size
        self.size: int | None = size
        self.start = start if start <= size else 0
        file.seek(self.start)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._read():
            yield chunk

    def _read(self) -> bytes:
        try:
            return self._file.read(CHUNK_SIZE)
        except OSError as error:
            raise self._remote.failure(error, self._key) from error
