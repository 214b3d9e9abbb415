"""Keeping what a stranger wrote from making us ask the servers of our own network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import RefusedError
from ..model.submissions import Origin

if TYPE_CHECKING:
    from urllib3 import PoolManager

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_HINT = (
    "A submission may only name servers that everybody can reach. If it is yours: write its address"
    " into `submissions.allowed` of registry.yaml, or name it with `--from`."
)


class Guard:
    """Says which servers may be asked.

    Parameters
    ----------
    trusted : collection of Origin
        Servers that the maintainers named themselves: wherever they are.
    """

    def __init__(self, trusted: Collection[Origin] = ()) -> None:
        self._trusted = frozenset(trusted)

    def check_url(self, url: str) -> None:
        """Check where a request, or a redirect, leads; through a proxy nothing else tells.

        Raises
        ------
        RefusedError
            If it is a server of a private network.
        """
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        if self._is_trusted(parts.scheme, host, port):
            return
        with suppress(OSError, UnicodeError):
            for *_, address in socket.getaddrinfo(host, port or 443, type=socket.SOCK_STREAM):
                self._check(str(address[0]), host)

    def check_peer(self, scheme: str, host: str, port: int | None, address: str) -> None:
        """Check whom we are really connected with: a name may lead elsewhere each time.

        Raises
        ------
        RefusedError
            If it is a server of a private network.
        """
        if not self._is_trusted(scheme, host, port):
            self._check(address, host)

    def protect(self, pool: PoolManager) -> None:
        """Let a pool connect only where it may."""
        pool.pool_classes_by_scheme = _guarded_pools(self)

    def _is_trusted(self, scheme: str, host: str, port: int | None) -> bool:
        usual = {"http": 80, "https": 443}.get(scheme)
        return (scheme, host.lower().strip("[]"), port or usual) in self._trusted

    @staticmethod
    def _check(address: str, host: str) -> None:
        if not is_public(address):
            raise RefusedError(
                f"{host} is not asked: its address {address} is one of a private network",
                hint=_HINT,
            )


def is_public(address: str) -> bool:
    """Tell whether an address is one of the public internet.

    Parameters
    ----------
    address : str
        IPv4 or IPv6, in digits.

    Examples
    --------
    >>> is_public("93.184.215.14"), is_public("::ffff:10.0.0.1"), is_public("64:ff9b::7f00:1")
    (True, False, False)
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = [found.ipv4_mapped, found.sixtofour, *(found.teredo or ())]
        if found in _NAT64:
            inner.append(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
        if any(each is not None and not is_public(str(each)) for each in inner):
            return False
        if found.ipv4_mapped is not None:
            return True
    return found.is_global and not found.is_multicast


def _guarded_pools(guard: Guard) -> dict[str, Any]:
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    class GuardedHTTP(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _checked(super()._new_conn(), guard, "http", self)

    class GuardedHTTPS(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _checked(super()._new_conn(), guard, "https", self)

    class HTTPPool(HTTPConnectionPool):
        ConnectionCls = GuardedHTTP

    class HTTPSPool(HTTPSConnectionPool):
        ConnectionCls = GuardedHTTPS

    return {"http": HTTPPool, "https": HTTPSPool}


def _checked(found: socket.socket, guard: Guard, scheme: str, connection: Any) -> socket.socket:
    """Return a connection over which nothing was sent yet, if it leads where it may."""
    try:
        guard.check_peer(scheme, connection.host, connection.port, found.getpeername()[0])
    except BaseException:
        found.close()
        raise
    return found
