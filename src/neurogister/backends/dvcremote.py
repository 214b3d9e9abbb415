"""What only DVC knows to ask: ssh, HDFS, Google Drive and the like.

DVC's own file systems do it, made from the options alone: no DVC repository is opened.
"""

from __future__ import annotations

import re
import secrets
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..errors import (
    CredentialsError,
    InvalidFileError,
    MissingExtraError,
    NeurogisterError,
)
from ..model.digest import CHUNK_SIZE
from ..model.remote import public_address
from .remotebase import Advance, Faults, ObjectStat, ignore, parse_retry_after, read_whole
from .uploads import Body

if TYPE_CHECKING:
    from ..model.digest import Buffer
    from ..model.remote import RemoteConfig

SCHEMES = frozenset({"ssh", "webdav", "webdavs", "hdfs", "webhdfs", "gdrive", "oss"})
_JOBS = 8
_IN_EXTRA = frozenset({"ssh", "webdav", "webdavs"})
_WHOLE_OR_NOT = frozenset({"ssh", "gdrive", "oss"})
"""Where DVC, or the service, lets nobody see a part of an object."""
_URL = re.compile(r"\w[\w+.-]*://[^\s'\"]+")
_DENIED = re.compile(r"Permission|Auth|Credential|Forbidden|Login")
_FINAL = re.compile(r"HostKey|Unsupported|NotImplemented|Config|Value|Type|Key|Attribute")


class DVCRemote:
    """A remote that DVC asks for us.

    Parameters
    ----------
    config : RemoteConfig
        What DVC's configuration says.
    timeout : float
        Seconds to wait, unless the configuration says otherwise.
    jobs : int
        How many objects at once, unless the configuration says otherwise.

    Raises
    ------
    MissingExtraError
        If DVC is not installed.
    CredentialsError
        If DVC would ask for a password in the middle of a transfer.
    """

    def __init__(self, config: RemoteConfig, *, timeout: float, jobs: int) -> None:
        if find_spec("dvc") is None:
            raise MissingExtraError.of("dvc", f"the remote '{config.name}' ({config.scheme})")
        for what in ("password", "passphrase"):
            if config.flag(f"ask_{what}") and config.text(what) is None:
                raise CredentialsError(
                    f"the remote '{config.name}' wants a {what}, which neurogister never asks for",
                    hint=f"`dvc remote modify --local {config.name} {what} VALUE` sets it.",
                )
        self.name = config.name
        self.address = config.address
        self.preferred_jobs = int(config.number("jobs") or min(jobs, _JOBS))
        self._config = config
        self._timeout = timeout
        self._faults = Faults(
            self.name,
            self.address,
            f"Credentials come from `dvc remote modify --local {config.name} OPTION VALUE`;"
            f" `dvc pull -r {config.name}` is asked with the same ones.",
        )
        self._lock = threading.Lock()
        self._system: tuple[Any, str] | None = None

    def prefetch(self, keys: Iterable[str]) -> None:
        """Do nothing: there is no faster way to get many."""

    def read(self, key: str, *, limit: int, careful: bool = False) -> bytes:
        """Return a small object whole; `Remote.read` says more."""
        del careful  # there is but one way
        with self.open(key) as stream:
            return read_whole(stream, key, limit=limit, faults=self._faults)

    def open(self, key: str, *, start: int = 0) -> DVCStream:
        """Return an object as a stream; `Remote.open` says more."""
        size = self.size(key)  # first, as some tell only then what is wrong
        return DVCStream(self, key, lambda: self._open_file(key), start, size)

    def size(self, key: str) -> int | None:
        """Return how many bytes an object has; None if the remote does not tell."""
        system, root = self._connect(key)
        info = self.attempt(key, lambda: system.info(system.join(root, key)))
        size = info.get("size")
        return size if isinstance(size, int) else None

    def stat(self, key: str, *, careful: bool = False) -> ObjectStat:
        """Return the size of an object."""
        del careful  # there is but one way
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
        system, root = self._connect(key)
        with body.own_errors():
            self.attempt(key, lambda: self._store(system, system.join(root, key), body),
                         self._faults.of_storing)  # fmt: skip
        return ObjectStat()

    def _store(self, system: Any, path: str, body: Body) -> None:
        system.makedirs(system.parent(path))
        if self._config.scheme in _WHOLE_OR_NOT:
            with body.file() as file:
                system.put_file(file, path, size=body.size)
            return
        folder, name = system.parent(path), system.name(path)
        temporary = system.join(folder, f".{name}.{secrets.token_hex(6)}.tmp")
        try:
            with body.file() as file:
                system.put_file(file, temporary, size=body.size)
            if system.exists(path):
                system.remove(path)  # it is a wrong one, and not every server replaces it
            system.move(temporary, path)
        except BaseException:
            with suppress(Exception):  # what matters is why it was not stored
                system.remove(temporary)
            raise

    def attempt(self, key: str, action: Callable[[], Any], faults: Faults | None = None) -> Any:
        """Do something with DVC, whose errors become ours."""
        try:
            return action()
        except NeurogisterError:
            raise
        except Exception as error:  # noqa: BLE001 - each of a dozen libraries has its own errors
            raise self._failure(error, key, faults or self._faults) from None

    def _open_file(self, key: str) -> Any:
        system, root = self._connect(key)
        return system.open(system.join(root, key), "rb")

    def _connect(self, key: str) -> tuple[Any, str]:
        with self._lock:
            if self._system is None:
                self._system = self.attempt(key, self._make_system)
            return self._system

    def _make_system(self) -> tuple[Any, str]:
        from dvc.config import ConfigError
        from dvc.fs import ConfigError as LoginError
        from dvc.fs import RemoteMissingDepsError, get_cloud_fs  # 0.5 s

        config = self._config
        options = {name: value for name, value in config.options.items() if name != "jobs"}
        if config.scheme in _IN_EXTRA:
            options.setdefault("timeout", max(1, round(self._timeout)))
        try:
            kind, settings, root = get_cloud_fs({}, url=config.url, **options)
            system = kind(**settings)
            self._tame(system)
            return system, root
        except (ConfigError, LoginError) as error:
            raise InvalidFileError(
                f"DVC cannot use the options of the remote '{self.name}': {_public(error)}",
                hint=f"`dvc remote modify {self.name} OPTION VALUE` mends them.",
            ) from None
        except (ImportError, RemoteMissingDepsError):
            raise self._missing() from None

    def _tame(self, system: Any) -> None:
        """Keep DVC from asking questions, from trying again by itself, from waiting for ever."""
        arguments = system.fs_args
        if self._config.scheme == "ssh":
            from asyncssh import SSHClient

            arguments["client_factory"] = SSHClient  # DVC's own asks for passwords
            # The registry names the server, which must not get to use our keys elsewhere.
            arguments["agent_forwarding"] = False
            arguments["keepalive_interval"] = self._timeout
        elif self._config.scheme in _IN_EXTRA:
            arguments["retry"] = False
            # Or the sizes and offsets would be those of what the server packs.
            arguments["headers"] = {**arguments["headers"], "Accept-Encoding": "identity"}
            weakref.finalize(self, system.fs.client.http.close)

    def _missing(self) -> MissingExtraError:
        scheme = self._config.scheme
        purpose = f"the remote '{self.name}' ({scheme})"
        if scheme in _IN_EXTRA:
            return MissingExtraError.of("dvc", purpose)
        return MissingExtraError(
            f"{purpose} needs the package 'dvc-{scheme}', which is not installed",
            hint=f"pip install 'dvc-{scheme}'",
        )

    def _failure(self, error: Exception, key: str, faults: Faults) -> NeurogisterError:
        kind = type(error).__name__
        status = _find_status(error)
        if status is not None:
            wait = getattr(getattr(error, "response", None), "headers", {}).get("Retry-After")
            return faults.status(key, status, retry_after=parse_retry_after(wait))
        if isinstance(error, FileNotFoundError):
            return faults.absent(key)
        why = f"{_public(error)} ({kind})" if str(error) else kind
        if _DENIED.search(kind):
            return faults.denied(key, why)
        passing = isinstance(error, OSError | EOFError) or not _FINAL.search(kind)
        return faults.broken(key, why, temporary=passing)


class DVCStream:
    """The bytes of a file that DVC opens, in chunks; a context manager."""

    def __init__(
        self,
        remote: DVCRemote,
        key: str,
        open_file: Callable[[], Any],
        start: int,
        size: int | None,
    ) -> None:
        self._remote = remote
        self._key = key
        self._file = remote.attempt(key, open_file)
        self.size = size
        self.start = start
        if start and not self._skip(start):
            self._file.close()
            self._file, self.start = remote.attempt(key, open_file), 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        with suppress(Exception):  # what is read is read
            self._file.close()

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._remote.attempt(self._key, lambda: self._file.read(CHUNK_SIZE)):
            yield chunk

    def _skip(self, count: int) -> bool:
        """Leave bytes out, if the server can and the object has as many."""
        if self.size is not None and count > self.size:
            return False
        try:
            return bool(self._file.seek(count) == count)
        except (ValueError, OSError, NotImplementedError):
            return False


def _find_status(error: BaseException | None) -> int | None:
    """Return the HTTP status that is behind an error."""
    for _ in range(5):
        if error is None:
            return None
        for holder in (error, getattr(error, "response", None)):
            status = getattr(holder, "status_code", None) or getattr(holder, "status", None)
            if isinstance(status, int) and 400 <= status < 600:
                return status
        error = error.__cause__
    return None


def _public(error: Exception) -> str:
    text = " ".join(str(error).split())
    return _URL.sub(lambda found: public_address(found[0]), text)[:300]
