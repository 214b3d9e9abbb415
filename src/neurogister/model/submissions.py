"""What a registry says of submissions: where their bytes wait, and which addresses may be named."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import RefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .fields import Fields

TRAILER = "Neurogister-Staging"
"""The line of a commit message that says where the bytes of a submission are."""

LOGIN = "{login}"
_LINE = re.compile(rf"^{TRAILER}:[ \t]*(\S{{1,2000}})[ \t]*\r?$", re.MULTILINE)
_LOGIN = re.compile(r"\A[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})\Z")
_PREFIX = re.compile(r"\A(?:[A-Za-z0-9_.-]+|\{login\}|/)*\Z")
_PLAIN = re.compile(r"\A[!-~]+\Z")
_ENCODED = re.compile(r"%(?:2e|2f|5c|25|00)", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submissions:
    """The block `submissions` of ``registry.yaml``.

    Parameters
    ----------
    staging : str, optional
        A DVC remote, or an address, that contributors may write and nobody trusts.
    prefix : str, optional
        The folder below it for one contributor; ``{login}`` stands for who it is.
    allowed : tuple of str
        What the addresses that a submission names may start with.
    extra : mapping
        Fields that this version of neurogister does not know.
    """

    staging: str | None = None
    prefix: str | None = None
    allowed: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, fields: Fields) -> Submissions:
        """Read the block."""
        prefix = fields.text("prefix")
        if prefix is not None and (not _PREFIX.match(prefix) or ".." in prefix.split("/")):
            raise fields.error("prefix", "must be a folder, such as 'incoming/{login}/'")
        allowed = fields.texts("allowed")
        for url in allowed:
            try:
                check_address(url)
            except RefusedError as error:
                raise fields.error("allowed", f"has {url[:80]!a}: {error.message}") from error
        return cls(
            staging=fields.text("staging"), prefix=prefix, allowed=allowed, extra=fields.rest()
        )

    @property
    def needs_login(self) -> bool:
        """Whether each contributor has a folder of their own."""
        return self.prefix is not None and LOGIN in self.prefix

    def folder(self, login: str | None) -> str:
        """Return the folder of a contributor below the staging remote; empty for all of it.

        Raises
        ------
        UsageError
            If it takes a login that cannot be one.
        """
        if self.prefix is None:
            return ""
        if self.needs_login and (login is None or not _LOGIN.match(login)):
            what = "nobody" if login is None else f"{login[:40]!a}"
            raise UsageError(
                f"each contributor has a folder of their own in staging, and you are {what}",
                hint="`git config github.user LOGIN` says who you are (or log in with `gh`).",
            )
        return self.prefix.replace(LOGIN, login or "").strip("/")


def check_address(url: str) -> Origin:
    """Check that an address is harmless to compare, and return whose it is.

    Raises
    ------
    RefusedError
        If it is no address of a server, has a login or a query, or climbs.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    scheme = parts.scheme.lower()
    if not host or scheme not in ("http", "https", "s3", "gs", "azure") or not _PLAIN.match(url):
        raise RefusedError("it is no address of a server: https://HOST/…, or s3://BUCKET/…")
    if "@" in parts.netloc or parts.query or parts.fragment or "\\" in url:
        raise RefusedError("it has a login, a query or a fragment")
    inner = parts.path.strip("/").split("/") if parts.path.strip("/") else []
    if _ENCODED.search(parts.path) or any(part in ("", ".", "..") for part in inner):
        raise RefusedError("its path climbs, or has empty parts")
    return scheme, host.lower(), port or _PORTS.get(scheme)


def is_below(url: str, top: str) -> bool:
    """Tell whether an address is another one, or lies below it.

    Examples
    --------
    >>> is_below("https://example.org/data/a", "https://example.org/data/")
    True
    >>> is_below("https://example.org/database", "https://example.org/data")
    False
    """
    if check_address(url) != check_address(top):
        return False
    inside, above = urlsplit(url).path.strip("/"), urlsplit(top).path.strip("/")
    return not above or inside == above or inside.startswith(f"{above}/")


def find_trailers(messages: Iterable[str]) -> list[str]:
    """Return the addresses that commit messages name, each once, in their order.

    Anywhere in a message, as hosts put the messages of a branch together when they squash it.
    """
    return list(dict.fromkeys(url for text in messages for url in _LINE.findall(text)))


def trailer(url: str) -> str:
    """Return the line that names an address in a commit message."""
    return f"{TRAILER}: {url}"
