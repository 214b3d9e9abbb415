"""Requests by HTTP, one attempt each: pooled connections, proxies, redirects, precise errors."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from ..errors import NetworkError
from .parts import Lanes
from .tls import Trust

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

    from ..model.digest import Buffer
    from ..model.remote import RemoteConfig
    from .guard import Guard
    from .remotebase import Faults

MAX_REDIRECTS = 5
OK = frozenset({200, 206})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_USER_AGENT = "neurogister"


@dataclass(frozen=True)
class Timeouts:
    """Seconds to wait for a connection, and for the next byte."""

    connect: float
    read: float

    @classmethod
    def of(cls, config: RemoteConfig, default: float) -> Timeouts:
        """Return those of a remote: its own options, or else a default for both."""
        both = config.number("timeout") or default
        connect = config.number("connect_timeout") or config.number("connection_timeout")
        return cls(connect or both, config.number("read_timeout") or both)

    def more(self, seconds: float) -> Timeouts:
        """Return the same with more seconds to wait for the next byte."""
        return replace(self, read=self.read + seconds)


class HTTPClient:
    """Makes requests for one remote; from any thread.

    Parameters
    ----------
    faults : Faults
        Makes the errors.
    trust : Trust
        How certificates are checked.
    timeouts : Timeouts
        How long to wait.
    connections : int
        How many to keep to one server.
    guard : Guard, optional
        Says which servers may be asked, where a stranger chose them.
    """

    def __init__(
        self,
        faults: Faults,
        *,
        trust: Trust,
        timeouts: Timeouts,
        connections: int = 16,
        guard: Guard | None = None,
    ) -> None:
        self.faults = faults
        self._guard = guard
        self._trust = trust
        self._timeouts = timeouts
        self._connections = connections
        self.lanes = Lanes(connections)
        self._pools: dict[tuple[str, str], PoolManager] = {}
        self._lock = threading.Lock()

    def storing(self) -> HTTPClient:
        """Return the same client, with errors in the words for storing."""
        twin = copy.copy(self)
        twin.faults = self.faults.of_storing
        return twin

    def request(
        self,
        method: str,
        url: str,
        *,
        key: str,
        headers: Mapping[str, str],
        body: Iterable[Buffer] | None = None,
    ) -> BaseHTTPResponse:
        """Send a request, and return the answer, whatever its status; its body is not read yet.

        Parameters
        ----------
        method, url : str
            What is asked, and where.
        key : str
            The object that it is about, for messages.
        headers : mapping
            To send; with a body, they tell its length.
        body : iterable of bytes, optional
            What is sent with it.

        Raises
        ------
        NetworkError
            If there is no answer.
        """
        import urllib3  # 60 ms

        if self._guard is not None:
            self._guard.check_url(url)
        sent = {"Accept-Encoding": "identity", "User-Agent": _USER_AGENT, **headers}
        try:
            pool = self._pool(url)
        except urllib3.exceptions.LocationValueError:
            raise self.faults.broken(
                key,
                "its proxy is of a kind that is not known",
                temporary=False,
                hint="It may be http:// or https://; the environment names it (*_PROXY).",
            ) from None
        try:
            return pool.urlopen(
                method,
                url,
                headers=sent,
                body=body,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=self._timeouts.connect, read=self._timeouts.read),
            )
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise self.failure(error, key) from None

    def follow(
        self,
        method: str,
        url: str,
        *,
        key: str,
        headers: Mapping[str, str],
        credentials: Mapping[str, str],
    ) -> BaseHTTPResponse:
        """Send a request, and follow where the server sends us.

        The credentials are headers that only the origin of the first URL gets to see. No redirect
        leads from https to http, or out of both.
        """
        origin = _origin(url)
        secrets = {**credentials}
        for _ in range(MAX_REDIRECTS + 1):
            response = self.request(method, url, key=key, headers={**headers, **secrets})
            target = response.headers.get("Location")
            if response.status not in REDIRECTS or target is None:
                return response
            response.close()
            url = self._redirected(url, target, key)
            if _origin(url) != origin:
                secrets = {}  # also if it leads back: somebody else chose where to
        raise self.faults.broken(
            key, f"it redirects more than {MAX_REDIRECTS} times", temporary=False
        )

    def failure(self, error: Exception, key: str) -> NetworkError:
        """Return our error for one of urllib3's, while asking or while reading."""
        why, temporary, hint = _explain(error, self._timeouts)
        return self.faults.broken(key, why, temporary=temporary, hint=hint)

    def _redirected(self, url: str, target: str, key: str) -> str:
        try:
            new = urljoin(url, target)
            scheme, host, _ = _origin(new)
        except ValueError:
            scheme, host = "", None
        allowed = ("https",) if urlsplit(url).scheme == "https" else ("http", "https")
        if scheme not in allowed or not host:
            what = f"from https to {scheme}" if scheme else "to no URL"
            raise self.faults.broken(key, f"it redirects {what[:40]}", temporary=False)
        return new

    def _pool(self, url: str) -> PoolManager:
        scheme = urlsplit(url).scheme
        proxy = _find_proxy(url)
        with self._lock:
            pool = self._pools.get((scheme, proxy))
            if pool is None:
                pool = self._pools[scheme, proxy] = self._make_pool(scheme, proxy)
            return pool

    def _make_pool(self, scheme: str, proxy: str) -> PoolManager:
        import urllib3

        context = self._trust.context() if "https" in (scheme, urlsplit(proxy).scheme) else None
        if not self._trust.verify:
            # The user said so; a warning for each connection would not make it safer.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        if not proxy:
            pool = urllib3.PoolManager(8, maxsize=self._connections, ssl_context=context)
            if self._guard is not None:
                self._guard.protect(pool)
            return pool
        parts = urlsplit(proxy)
        login = unquote(parts.netloc.rpartition("@")[0]) or None
        return urllib3.ProxyManager(
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
            8,
            maxsize=self._connections,
            ssl_context=context,
            proxy_ssl_context=context,
            proxy_headers=urllib3.make_headers(proxy_basic_auth=login),
        )


def _find_proxy(url: str) -> str:
    """Return the proxy that the environment (or the system) wants for a URL; empty for none."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all") or ""
    if not proxy or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443}.get(parts.scheme, 80)


def _explain(error: BaseException, timeouts: Timeouts) -> tuple[str, bool, str | None]:
    """Say in words what went wrong, whether trying again can help, and what else might.

    Never in urllib3's words, which may hold a URL with a signature.
    """
    import ssl

    from urllib3 import exceptions

    if isinstance(error, exceptions.NameResolutionError):
        return "its name is not known to DNS", True, "Check the network, and the address."
    if isinstance(error, exceptions.NewConnectionError):
        return f"no connection ({_system_error(error) or 'it is refused'})", True, None
    if isinstance(error, exceptions.ConnectTimeoutError):
        return f"no connection within {timeouts.connect:g} seconds", True, None
    if isinstance(error, exceptions.TimeoutError):
        return f"not a byte came for {timeouts.read:g} seconds", True, None
    if isinstance(error, exceptions.ProxyError):
        why, temporary, _ = _explain(error.original_error, timeouts)
        return f"the proxy does not work: {why}", temporary, "The environment names it (*_PROXY)."
    if isinstance(error, exceptions.SSLError | ssl.SSLError):
        return _explain_tls(error)
    if isinstance(error, exceptions.LocationValueError | ValueError):
        return "its address is not a URL", False, "`dvc remote list` shows it."
    return f"the connection broke ({_system_error(error) or 'it ended early'})", True, None


def _explain_tls(error: BaseException) -> tuple[str, bool, str | None]:
    import ssl

    cause = _find(error, ssl.SSLError)
    if isinstance(cause, ssl.SSLCertVerificationError):
        hint = "If you know the server: `dvc remote modify --local NAME ssl_verify CA-FILE`."
        return f"its certificate is not to be trusted ({cause.verify_message})", False, hint
    if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "the connection broke (it ended early)", True, None
    reason = (getattr(cause, "reason", None) or "no secure connection").replace("_", " ").lower()
    return f"TLS does not work ({reason})", False, "Does it speak https, or only http?"


def _system_error(error: BaseException) -> str:
    found = _find(error, OSError)
    return (getattr(found, "strerror", None) or "").lower() if found else ""


def _find(error: BaseException | None, kind: type[Exception]) -> BaseException | None:
    """Return the error of a kind that is behind another one."""
    seen = 0
    while error is not None and seen < 10:
        inner = [part for part in error.args if isinstance(part, kind)]
        if isinstance(error, kind) or inner:
            return error if isinstance(error, kind) else inner[0]
        error, seen = error.__cause__ or error.__context__, seen + 1
    return None
