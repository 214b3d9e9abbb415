"""A remote that is a folder of the registry itself, read from git when there is no work tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Self

from ..backends.remotebase import Advance, Faults, ObjectStat, ignore
from ..errors import RefusedError
from ..model.digest import CHUNK_SIZE, Buffer

if TYPE_CHECKING:
    from ..model.remote import RemoteConfig
    from .reader import Reader

_LINKS = ("120000", "160000")


class InTreeRemote:
    """The objects of a registry that carries its bytes, as the reference registry does.

    Parameters
    ----------
    reader : Reader
        The registry.
    config : RemoteConfig
        With the folder in `in_tree`.
    """

    preferred_jobs = 4

    def __init__(self, reader: Reader, config: RemoteConfig) -> None:
        self.name = config.name
        self.address = f"{reader.url}#{config.in_tree}"
        self._reader = reader
        self._prefix = f"{(config.in_tree or '').strip('/')}/"
        self._faults = Faults(config.name, self.address, "The registry itself holds these objects.")
        self._blobs: dict[str, str] | None = None

    def _blob(self, key: str) -> str:
        if self._blobs is None:
            self._blobs = {
                entry.path.removeprefix(self._prefix): entry.oid
                for entry in self._reader.list_tree(self._prefix.rstrip("/"))
                if entry.mode not in _LINKS
            }
        try:
            return self._blobs[key]
        except KeyError:
            raise self._faults.absent(key) from None

    def prefetch(self, keys: Iterable[str]) -> None:
        """Bring all blobs at once: one by one, each would cost a round trip."""
        wanted = []
        for key in keys:
            try:
                wanted.append(self._blob(key))
            except LookupError:
                continue
        self._reader.fetch_blobs(wanted)

    def read(self, key: str, *, limit: int, careful: bool = False) -> Buffer:
        """Return an object whole."""
        del careful
        data = next(iter(self._reader.read_blobs([self._blob(key)])))[1]
        if len(data) > limit:
            raise self._faults.too_large(key, limit, len(data))
        return data

    def open(self, key: str, *, start: int = 0) -> InTreeStream:
        """Return an object as a stream."""
        return InTreeStream(self.read(key, limit=1 << 62), start)

    def size(self, key: str) -> int | None:
        """Return how many bytes an object has; None, as git would have to bring it to tell."""
        self._blob(key)
        return None

    def stat(self, key: str, *, careful: bool = False) -> ObjectStat:
        """Return what is known without asking git for the bytes: that the object is there."""
        del careful
        self._blob(key)
        return ObjectStat()

    def write(
        self,
        key: str,
        source: Buffer | Path,
        *,
        md5: str | None = None,
        careful: bool = False,
        advance: Advance = ignore,
    ) -> NoReturn:
        """Refuse: history is not written from here."""
        del key, source, md5, careful, advance
        raise RefusedError(f"{self.why_not_writable()}", hint="Clone the registry, and work there.")

    def why_not_writable(self) -> str:
        """Say why nothing can be stored."""
        return (
            f"the remote '{self.name}' is a folder in the registry ({self.address}),"
            " of which there is no checkout here"
        )


class InTreeStream:
    """The bytes of a blob."""

    def __init__(self, data: Buffer, start: int) -> None:
        self.start = start
        self.size: int | None = len(data)
        self._data = memoryview(data)[start:]

    def __iter__(self) -> Iterator[memoryview]:
        for begin in range(0, len(self._data), CHUNK_SIZE):
            yield self._data[begin : begin + CHUNK_SIZE]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self._data.release()
