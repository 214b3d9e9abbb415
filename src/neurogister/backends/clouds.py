"""Google Cloud Storage and Azure Blob Storage, through obstore.

As with S3, the metadata service of a cloud's computers is never asked: its address is somebody
else's on other computers.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ..errors import NeurogisterError
from ..model.digest import CHUNK_SIZE
from .obstores import Unclear, explain, list_pages, read_small
from .remotebase import (
    Advance,
    Faults,
    ObjectStat,
    Page,
    ignore,
    is_encoded,
    plain_md5,
    read_whole,
)
from .uploads import Body, Budget, Manner, put_object

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult
    from obstore.store import ObjectStore

    from ..model.digest import Buffer
    from ..model.remote import RemoteConfig

_UNSATISFIED = re.compile(r"status code: 416\b|non-partial response")


class CloudRemote:
    """A bucket (or container), or a folder in one.

    Parameters
    ----------
    config : RemoteConfig
        What DVC's configuration says.
    prefix : str
        The folder.
    login : str
        What to do when credentials do not do.
    make_store : callable
        Returns obstore's store for a manner of sending; called when it is first needed.
    anonymous : bool
        Whether we have no credentials.
    jobs : int
        How many objects at once, unless the configuration says otherwise.
    """

    def __init__(
        self,
        config: RemoteConfig,
        *,
        prefix: str,
        login: str,
        make_store: Callable[[Manner], ObjectStore],
        anonymous: bool,
        jobs: int,
    ) -> None:
        self.name = config.name
        self.address = config.address
        self.preferred_jobs = int(config.number("jobs") or jobs)
        self._prefix = prefix
        self._faults = Faults(self.name, self.address, login)
        self._make_store = make_store
        self._anonymous = anonymous
        self._lock = threading.Lock()
        self._kept: dict[Manner, ObjectStore] = {}
        self._budget = Budget()

    def prefetch(self, keys: Iterable[str]) -> None:
        """Do nothing: there is no faster way to get many."""

    def read(self, key: str, *, limit: int, careful: bool = False) -> Buffer:
        """Return a small object whole; `Remote.read` says more."""
        if careful:
            with self.open(key) as stream:
                return read_whole(stream, key, limit=limit, faults=self._faults)
        try:
            path = self._path(key)
            return read_small(self._store, path, key=key, limit=limit, faults=self._faults)
        except Unclear as error:
            raise self._faults.broken(key, str(error), temporary=False) from None

    def open(self, key: str, *, start: int = 0) -> CloudStream:
        """Return an object as a stream; `Remote.open` says more."""
        import obstore
        from obstore.exceptions import BaseError

        path = self._path(key)
        try:
            if start:
                options: GetOptions = {"range": {"offset": start}}
                return CloudStream(self, key, obstore.get(self._store, path, options=options))
        except (BaseError, FileNotFoundError) as error:
            if not _UNSATISFIED.search(str(error)):
                raise self.failure(error, key) from None
            if self.size(key) == start:
                return CloudStream(self, key, None, start)
        try:
            return CloudStream(self, key, obstore.get(self._store, path))
        except (BaseError, FileNotFoundError) as error:
            raise self.failure(error, key) from None

    def size(self, key: str) -> int | None:
        """Return how many bytes an object has."""
        return self.stat(key).size

    def stat(self, key: str, *, careful: bool = False) -> ObjectStat:
        """Return the size of an object, and its md5 if that can be told from its ETag."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            meta = obstore.head(self._store, self._path(key))
        except (BaseError, FileNotFoundError) as error:
            raise self.failure(error, key) from None
        return ObjectStat(meta["size"], None if careful else plain_md5(meta["e_tag"]))

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
        store, faults = self._store_for(Manner.of(body)), self._faults.of_storing
        try:
            return put_object(
                store, self._path(key), body, key=key, faults=faults, budget=self._budget
            )
        except Unclear as error:
            raise faults.broken(key, str(error), temporary=False) from None

    def pages(self, folder: str) -> Iterator[Page]:
        """List objects; `Lists.pages` says more."""
        return list_pages(self._store, self._path(folder), self._path(""), faults=self._faults)

    def why_not_writable(self) -> str | None:
        """Say that there are no credentials, if so."""
        if not self._anonymous:
            return None
        return (
            f"the remote '{self.name}' ({self.address}) is asked without credentials,"
            " with which one can read at most"
        )

    def failure(self, error: Exception, key: str) -> NeurogisterError:
        """Return our error for one of obstore's."""
        found = explain(error, key, self._faults)
        if isinstance(found, Unclear):
            return self._faults.broken(key, str(found), temporary=False)
        return found

    def check(self, result: GetResult, key: str) -> None:
        """Refuse what comes packed."""
        encoding = result.attributes.get("Content-Encoding")
        if is_encoded(encoding):
            raise self._faults.encoded(key, encoding or "")

    @property
    def _store(self) -> ObjectStore:
        return self._store_for(Manner())

    def _store_for(self, manner: Manner) -> ObjectStore:
        with self._lock:
            if manner not in self._kept:
                self._kept[manner] = self._make_store(manner)
            return self._kept[manner]

    def _path(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key


class CloudStream:
    """The bytes of an object that obstore gives, in chunks; a context manager."""

    def __init__(
        self, remote: CloudRemote, key: str, result: GetResult | None, start: int = 0
    ) -> None:
        self._remote = remote
        self._key = key
        self._result = result
        self.start = start
        self.size: int | None = start
        if result is not None:
            remote.check(result, key)
            self.start, self.size = result.range[0], result.meta["size"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self._result = None  # which ends the transfer

    def __iter__(self) -> Iterator[memoryview]:
        from obstore.exceptions import BaseError

        if self._result is None:
            return
        try:
            for chunk in self._result.stream(min_chunk_size=CHUNK_SIZE):
                view = memoryview(chunk)
                for offset in range(0, len(view), CHUNK_SIZE):
                    yield view[offset : offset + CHUNK_SIZE]
        except BaseError as error:
            raise self._remote.failure(error, self._key) from None
