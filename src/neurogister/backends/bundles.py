"""Bundles: the objects of a submission in one zip file, to be attached to a pull request."""

from __future__ import annotations

import re
import threading
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import InvalidFileError, NotFoundError, RefusedError
from ..files import system_errors, written_whole
from .remotebase import Advance, ObjectStat, ignore
from .uploads import Body
from .zips import ZipLimits, read_zip, unpack_zip

if TYPE_CHECKING:
    from ..model.digest import Buffer
    from .folder import FileStream

_KEY = re.compile(r"\A(?:files/md5/)?[0-9a-f]{2}/[0-9a-f]{30}(?:\.dir)?\Z")
_WHEN = (1980, 1, 1, 0, 0, 0)  # equal objects, equal bundles


class BundleRemote:
    """A zip file that is being written; as `Remote` says."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self.name = self.address = str(path)
        self.preferred_jobs = 1  # a zip file is written from its beginning to its end
        self._archive = zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED)
        self._sizes: dict[str, int] = {}
        self._lock = threading.Lock()

    def prefetch(self, keys: Iterable[str]) -> None:
        """Do nothing."""

    def read(self, key: str, *, limit: int, careful: bool = False) -> Buffer:
        """Refuse: it is only written."""
        del limit, careful
        raise self._absent(key)

    def open(self, key: str, *, start: int = 0) -> FileStream:
        """Refuse: it is only written."""
        del start
        raise self._absent(key)

    def size(self, key: str) -> int | None:
        """Return how many bytes an object has that was written."""
        if key not in self._sizes:
            raise self._absent(key)
        return self._sizes[key]

    def stat(self, key: str, *, careful: bool = False) -> ObjectStat:
        """Return the size of an object that was written."""
        del careful
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
        """Add an object; an error spoils the bundle, which then does not appear."""
        del md5, careful
        body = Body(source, advance)
        info = zipfile.ZipInfo(key, _WHEN)
        info.external_attr = 0o100644 << 16
        with (
            self._lock,
            system_errors(self.address, "write"),
            body.own_errors(),
            self._archive.open(info, "w", force_zip64=body.size >= zipfile.ZIP64_LIMIT) as target,
        ):
            for chunk in body:
                target.write(chunk)
        self._sizes[key] = body.size
        return ObjectStat(body.size)

    def close(self) -> None:
        """Write the list of what it holds."""
        self._archive.close()

    def _absent(self, key: str) -> NotFoundError:
        return NotFoundError(f"{self.address} has no {key} yet")


@contextmanager
def new_bundle(path: Path) -> Iterator[BundleRemote]:
    """Write a bundle, whole or not at all; an earlier one in its place is replaced.

    Raises
    ------
    RefusedError
        If another file is in its place.
    """
    refuse_other_file(path)
    with system_errors(path, "write"), written_whole(path) as stream:
        bundle = BundleRemote(path, stream)
        yield bundle
        bundle.close()


def refuse_other_file(path: Path) -> None:
    """Refuse to replace a file that is no bundle.

    Raises
    ------
    RefusedError
        If there is one.
    """
    if not path.exists():
        return
    try:
        members = read_zip(path).members
    except InvalidFileError:
        members = ()
    if not members or not all(_KEY.match(each.path) for each in members):
        raise RefusedError(
            f"{path} is there, and is no bundle of ours", hint="Choose another name for the bundle."
        )


def unpack_bundle(path: Path, into: Path, *, size: int, members: int) -> Path:
    """Unpack a stranger's bundle into a new folder, and return the top of what is like a remote.

    Parameters
    ----------
    path : Path
        The zip file.
    into : Path
        The folder, which may not be there yet.
    size : int
        The most bytes that it may hold, unpacked.
    members : int
        The most files and folders.

    Raises
    ------
    InvalidFileError, IntegrityError
        If it is no sound zip file, or one that could do harm.
    """
    limits = ZipLimits(members=members, size=size)
    plan = read_zip(path, limits=limits)
    unpack_zip(path, into, strip_root=plan.root != "files", limits=limits)
    return into
