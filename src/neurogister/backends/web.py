"""A web server, public or with a login; by WebDAV too, which is HTTP to a reader."""

from __future__ import annotations

import base64
import logging
import re
import secrets
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from ..errors import CredentialsError, InvalidFileError, NeurogisterError
from .digestauth import DigestAuth
from .httpclient import OK, HTTPClient, Timeouts
from .httpobjects import (
    NO_RANGE,
    content_length,
    open_object,
    read_beginning,
    read_object,
)
from .obstores import ONE_TRY, Unclear, client_options, read_small
from .remotebase import Advance, Faults, ObjectStat, ObjectStream, ignore, parse_retry_after
from .tls import Trust
from .uploads import Body, body_headers

if TYPE_CHECKING:
    from obstore.store import HTTPStore
    from urllib3 import BaseHTTPResponse

    from ..model.digest import Buffer
    from ..model.remote import RemoteConfig

logger = logging.getLogger(__name__)

_TOKEN = re.compile(r"\A[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_NO_HEAD = frozenset({405, 501})
_STORED = frozenset({200, 201, 202, 204})
_IS_THERE = frozenset({200, 201, 204, 405})  # a collection, made now or before
_UNDECIDED = frozenset({301, 302, 307, 308, 403})  # of a collection: the upload will tell
_NO_PARENT = frozenset({404, 409})
_NO_MOVE = frozenset({400, 403, 405, 409, 412, 501, 502})


@dataclass(frozen=True)
class _Login:
    """How we say who we are: by a header, by digests, or not at all."""

    source: str = ""
    header: Mapping[str, str] = field(default_factory=dict, repr=False)
    digest: DigestAuth | None = None
    fast: bool = True
    """Whether obstore may send the header: it knows which ones to keep from other servers."""


class WebRemote:
    """A folder of a web server.

    Parameters
    ----------
    config : RemoteConfig
        What DVC's configuration says.
    timeout : float
        Seconds to wait, unless the configuration says otherwise.
    jobs : int
        How many objects at once, unless the configuration says otherwise.
    """

    def __init__(self, config: RemoteConfig, *, timeout: float, jobs: int) -> None:
        self.name = config.name
        self.address = config.address
        self.preferred_jobs = int(config.number("jobs") or jobs)
        self._base, self._query = _split(config)
        self._dav = config.scheme.startswith("webdav")
        self._method = (config.text("method") or "").upper()
        self._collections: set[str] = set()
        self._moves = True
        self._login = _find_login(config)
        self._timeouts = Timeouts.of(config, timeout)
        self._trust = Trust.of(config)
        self._faults = Faults(self.name, self.address, _hint(config, self._login))
        self._client = HTTPClient(
            self._faults,
            trust=self._trust,
            timeouts=self._timeouts,
            connections=self.preferred_jobs,
        )
        self._storing = self._client.storing()
        self._lock = threading.Lock()
        self._store: HTTPStore | None = None

    def prefetch(self, keys: Iterable[str]) -> None:
        """Do nothing: there is no faster way to get many."""

    def read(self, key: str, *, limit: int, careful: bool = False) -> Buffer:
        """Return a small object whole; `Remote.read` says more."""
        if self._login.fast and not self._query and not self._trust.own and not careful:
            try:
                store = self._open_store()
                return read_small(store, key, key=key, limit=limit, faults=self._faults)
            except Unclear as error:
                logger.debug("asking again, by another way: %s", error)
        return read_object(self._client, lambda more: self._send("GET", key, more), key, limit)

    def open(self, key: str, *, start: int = 0) -> ObjectStream:
        """Return an object as a stream; `Remote.open` says more."""
        return open_object(self._client, lambda more: self._send("GET", key, more), key, start)

    def size(self, key: str) -> int | None:
        """Return how many bytes an object has; None if the server does not tell."""
        response = self._request("HEAD", self._url(key), key, {})
        response.close()
        if response.status in _NO_HEAD:
            return None
        if response.status not in OK:
            raise self._failure(response, key, self._faults)
        return content_length(response)

    def stat(self, key: str, *, careful: bool = False) -> ObjectStat:
        """Return the size of an object, if the server tells it."""
        del careful  # there is but one way
        return ObjectStat(self.size(key))

    def why_not_writable(self) -> str | None:
        """Say that the configuration does not speak of uploads, if so."""
        if self._dav:
            return None
        if self._method not in ("", "PUT", "POST"):
            return f"the remote '{self.name}' has a method that is none for uploads"
        if self._method or self._login.source:
            return None
        return (
            f"the remote '{self.name}' ({self.address}) is a web server that is only known to"
            " give what it has (`method` would say how it takes uploads)"
        )

    def write(
        self,
        key: str,
        source: Buffer | Path,
        *,
        md5: str | None = None,
        careful: bool = False,
        advance: Advance = ignore,
    ) -> ObjectStat:
        """Store an object whole; `Remote.write` says more.

        A web server must see to it itself that nobody meets a part.
        """
        del careful
        body = Body(source, advance)
        headers = body_headers(body, md5)
        with body.own_errors():
            if self._dav:
                self._write_dav(key, headers, body)
            else:
                # POST is what DVC does by default
                self._put(self._method or "POST", self._url(key), key, headers, body)
        return ObjectStat()

    def _write_dav(self, key: str, headers: Mapping[str, str], body: Body) -> None:
        folder, _, name = key.rpartition("/")
        self._make_collection(folder, key)
        if self._moves and not body.in_memory:
            temporary = self._url(f"{folder}/.{name}.{secrets.token_hex(6)}.tmp")
            try:
                self._put("PUT", temporary, key, headers, body)
                if self._move(temporary, key):
                    return
            except BaseException:
                with suppress(NeurogisterError):
                    self._ask_storing("DELETE", temporary, key)
                raise
            self._ask_storing("DELETE", temporary, key)
        self._put("PUT", self._url(key), key, headers, body)

    def _move(self, temporary: str, key: str) -> bool:
        """Give an object its name; tell if this server can do that."""
        headers = {"Destination": self._url(key), "Overwrite": "T"}
        response = self._ask_storing("MOVE", temporary, key, headers)
        if response.status in _NO_MOVE:
            self._moves = False
        elif response.status not in _STORED:
            raise self._failure(response, key, self._storing.faults)
        return self._moves

    def _make_collection(self, folder: str, key: str) -> None:
        """Make what WebDAV calls a collection, and those that it is in, once for each."""
        parts = urlsplit(f"{self._base}/{folder}" if folder else self._base)
        self._make_path(f"{parts.scheme}://{parts.netloc}", parts.path, key)

    def _make_path(self, server: str, path: str, key: str) -> None:
        if path in self._collections:
            return
        url = f"{server}{path}/{self._query}"
        response = self._ask_storing("MKCOL", url, key)
        if response.status in _NO_PARENT and path.count("/") > 1:
            self._make_path(server, path.rpartition("/")[0], key)
            response = self._ask_storing("MKCOL", url, key)
        if response.status not in _IS_THERE | _UNDECIDED:
            raise self._failure(response, key, self._storing.faults)
        self._collections.add(path)

    def _put(self, method: str, url: str, key: str, headers: Mapping[str, str], body: Body) -> None:
        response = self._ask_storing(method, url, key, headers, body)
        if response.status in _STORED:
            return
        if response.status in _NO_PARENT:
            self._collections.clear()  # somebody may have removed one
        raise self._failure(response, key, self._storing.faults)

    def _ask_storing(
        self,
        method: str,
        url: str,
        key: str,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> BaseHTTPResponse:
        """Send a request that changes something, which follows no redirect."""
        response = self._request(method, url, key, headers or {}, body=body, client=self._storing)
        read_beginning(response)  # so that the connection can be used again
        return response

    def _send(self, method: str, key: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        response = self._request(method, self._url(key), key, headers)
        if response.status in OK or (response.status == NO_RANGE and headers):
            return response
        response.close()
        raise self._failure(response, key, self._faults)

    def _url(self, key: str) -> str:
        return f"{self._base}/{key}{self._query}"

    def _request(
        self,
        method: str,
        url: str,
        key: str,
        headers: Mapping[str, str],
        *,
        body: Body | None = None,
        client: HTTPClient | None = None,
    ) -> BaseHTTPResponse:
        response = self._ask(method, url, key, headers, body, client)
        digest = self._login.digest
        if response.status != 401 or digest is None:
            return response
        if digest.challenge(response.headers.getlist("WWW-Authenticate")):
            read_beginning(response)
            response = self._ask(method, url, key, headers, body, client)
        return response

    def _ask(
        self,
        method: str,
        url: str,
        key: str,
        headers: Mapping[str, str],
        body: Body | None,
        client: HTTPClient | None,
    ) -> BaseHTTPResponse:
        login = self._login
        credentials = login.header
        if login.digest is not None:
            parts = urlsplit(url)
            uri = f"{parts.path}?{parts.query}" if parts.query else parts.path
            credentials = login.digest.header(method, uri)
        if client is not None:
            return client.request(
                method, url, key=key, headers={**headers, **credentials}, body=body
            )
        return self._client.follow(method, url, key=key, headers=headers, credentials=credentials)

    def _failure(self, response: BaseHTTPResponse, key: str, faults: Faults) -> NeurogisterError:
        retry_after = parse_retry_after(response.headers.get("Retry-After"))
        return faults.status(key, response.status, retry_after=retry_after)

    def _open_store(self) -> HTTPStore:
        if (store := self._store) is not None:
            return store
        with self._lock:
            if self._store is None:
                from obstore.store import HTTPStore  # 60 ms

                options = client_options(
                    self._trust, self._timeouts, url=self._base, headers=dict(self._login.header)
                )
                self._store = HTTPStore(self._base, client_options=options, retry_config=ONE_TRY)
            return self._store


def _split(config: RemoteConfig) -> tuple[str, str]:
    """Return the address of a remote without user and password, and its query."""
    try:
        parts = urlsplit(config.url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        raise InvalidFileError(
            f"{config.origin}: the url of the remote '{config.name}' is no address of a server",
            hint=f"`dvc remote modify {config.name} url {config.scheme}://HOST/FOLDER` mends it.",
        )
    if ":" in host:
        host = f"[{host}]"
    netloc = host if port is None else f"{host}:{port}"
    path = _encoded(parts.path.rstrip("/"))
    query = _encoded(parts.query)
    scheme = parts.scheme.lower().replace("webdav", "http")
    return f"{scheme}://{netloc}{path}", f"?{query}" if query else ""


def _encoded(text: str) -> str:
    """Encode what is not; what is encoded already stays so, in upper case."""
    return _ENCODED.sub(lambda found: found[0].upper(), quote(text, safe="/%:@!$&'()*+,;=?~"))


def _find_login(config: RemoteConfig) -> _Login:
    source = "the DVC configuration"
    kind = (config.text("auth") or "").lower()
    header, password = config.text("custom_auth_header"), config.text("password")
    if kind not in ("", "basic", "digest", "custom"):
        raise InvalidFileError(
            f"the remote '{config.name}' has an unknown kind of login: auth is {kind[:40]!r}",
            hint="It may be basic, digest or custom.",
        )
    if token := config.text("token"):
        return _Login(source, {"Authorization": _checked(f"Bearer {token}", config)})
    if kind == "custom" or (header and not config.text("user")):
        if not header or not _TOKEN.match(header) or not password:
            raise _incomplete(config, "custom_auth_header and password")
        return _Login(source, {header: _checked(password, config)}, fast=False)
    parts = urlsplit(config.url)
    user = config.text("user") or (unquote(parts.username) if parts.username else None)
    password = password or (unquote(parts.password) if parts.password else None)
    if user is None or password is None:
        source = "netrc"
        user, password = _from_netrc(parts.hostname or "", user)
    if user is None or password is None:
        if kind or config.text("user") or config.flag("ask_password"):
            raise _incomplete(config, "user and password")
        return _Login()
    if kind == "digest":
        return _Login(source, digest=DigestAuth(user, password), fast=False)
    return _Login(source, {"Authorization": _basic(user, password)})


def _basic(user: str, password: str) -> str:
    text = f"{user}:{password}"
    try:
        data = text.encode("latin-1")  # as DVC does
    except UnicodeEncodeError:
        data = text.encode()
    return f"Basic {base64.b64encode(data).decode()}"


def _from_netrc(host: str, user: str | None) -> tuple[str | None, str | None]:
    """Look up a server in the user's netrc file (variable NETRC, or in the home folder)."""
    import netrc
    import os

    path = os.environ.get("NETRC")
    names = [Path(path)] if path else [Path.home() / ".netrc", Path.home() / "_netrc"]
    for name in names:
        try:
            # Not the `default` entry: a registry could name any server.
            found = netrc.netrc(str(name)).hosts.get(host)
        except FileNotFoundError:
            continue
        except (OSError, netrc.NetrcParseError, UnicodeDecodeError) as error:
            logger.warning("%s is not used: %s", name, type(error).__name__)
            continue
        if found is None or (user is not None and found[0] != user):
            return user, None
        return found[0], found[2]
    return user, None


def _checked(value: str, config: RemoteConfig) -> str:
    """Return what goes into a header as it is, if it can."""
    if not value.isprintable() or not value.isascii():
        raise _incomplete(config, "a password that fits into a header")
    return value


def _incomplete(config: RemoteConfig, what: str) -> CredentialsError:
    return CredentialsError(
        f"the remote '{config.name}' ({config.address}) needs {what}",
        hint=f"`dvc remote modify --local {config.name} password PASSWORD` sets the latter.",
    )


def _hint(config: RemoteConfig, login: _Login) -> str:
    where = (
        f"`dvc remote modify --local {config.name} user USER` and `password PASSWORD`,"
        " or from your netrc file"
    )
    if login.source:
        return f"It was asked with what is in {login.source}. Credentials come from {where}."
    return f"It was asked without credentials. They come from {where}."
