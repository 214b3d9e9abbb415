"""Reading from a folder: on this computer, or on a file server that is mounted."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from ..errors import IntegrityError, NetworkError, NeurogisterError
from ..files import open_regular
from ..model.digest import CHUNK_SIZE
from .remotebase import Faults, read_whole

if TYPE_CHECKING:
    from ..model.remote import RemoteConfig

_JOBS = 8
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR})
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
            self.name, self.address, "Ask its owner, or your administrator, to let you read it."
        )
        self._known: set[Path] = set()

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
            f"the remote '{self.name}' cannot be read: the folder {self.address} is not there"
            " (not mounted?)",
            hint="Mount it, or use another remote with `--remote NAME`.",
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
    def _errors(self, key: str) -> Iterator[None]:
        try:
            yield
        except NeurogisterError:
            raise
        except OSError as error:
            raise self.failure(error, key) from error

    def failure(self, error: OSError, key: str) -> NeurogisterError:
        """Return our error for one of the operating system's."""
        if error.errno in _GONE:
            return self._faults.absent(key) if self._root.is_dir() else self._unmounted()
        if isinstance(error, PermissionError):
            return self._faults.denied(key, "we may not read the file")
        why = (error.strerror or str(error)).lower()
        return self._faults.broken(key, why, temporary=error.errno in _STALE)


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
