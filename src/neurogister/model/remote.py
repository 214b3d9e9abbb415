"""A remote as a registry's DVC configuration describes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from neurogister.errors import NeurogisterError

OptionValue = str | int | float | bool

_SCHEME = re.compile(r"\A(\w[\w+.-]+)://")
# Before the @ of these stands no user but a container: azure://container@account….
_CONTAINER_FIRST = frozenset({"azure", "abfs", "abfss", "az"})
_HOST = re.compile(r"\A(\[[0-9A-Fa-f:.%]*\]|[^:@\[\]]*)(:[0-9]*)?\Z")


@dataclass(frozen=True)
class RemoteConfig:
    """What the configuration says about one remote.

    Parameters
    ----------
    name : str
        Its name, in lower case as DVC has it.
    url : str
        Where it is, in full; may hold a user and a password, so print `address`.
    options : mapping
        The other options, each of its type; may hold secrets.
    origin : str
        The file in which its ``url`` stands, to be named in messages.
    committed : frozenset of str
        The options whose value comes from the committed file, which a pull request may change.
    in_tree : str, optional
        The folder inside the registry that it is, relative and with ``/``, if it is one.
    problem : NeurogisterError, optional
        Why it cannot be used, raised by whoever opens it.
    """

    name: str
    url: str = field(repr=False)
    options: Mapping[str, OptionValue] = field(default_factory=dict, repr=False)
    origin: str = ""
    committed: frozenset[str] = frozenset()
    in_tree: str | None = None
    problem: NeurogisterError | None = field(default=None, compare=False, repr=False)

    @property
    def scheme(self) -> str:
        """What the address starts with, as ``s3``; empty for a folder."""
        found = _SCHEME.match(self.url)
        scheme = found[1].lower() if found else ""
        return "" if scheme == "file" else scheme

    @property
    def address(self) -> str:
        """The address without user, password and query, fit to be printed and logged."""
        return public_address(self.url)

    def text(self, name: str) -> str | None:
        """Return an option as text; None if it is absent or empty."""
        value = self.options.get(name)
        return None if value is None or value == "" else str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return an option that is true or false."""
        value = self.options.get(name)
        return value if isinstance(value, bool) else default

    def number(self, name: str) -> float | None:
        """Return an option that is a number; None if it is absent."""
        value = self.options.get(name)
        return None if isinstance(value, str | bool) or value is None else float(value)


def public_address(url: str) -> str:
    """Return a URL without user, password, query and fragment; a path as it is.

    Parameters
    ----------
    url : str
        As in the configuration.

    Examples
    --------
    >>> public_address("https://me:secret@example.org/data?token=abc")
    'https://example.org/data'
    """
    found = _SCHEME.match(url)
    if found:
        rest = re.split(r"[?#]", url[found.end() :], maxsplit=1)[0]
        place, slash, path = rest.partition("/")
        user, _, host = place.rpartition("@")
        if not _HOST.match(host):
            host, slash, path = "…", "", ""  # perhaps a password with a slash in it
        elif found[1].lower() in _CONTAINER_FIRST and user and ":" not in user:
            host = place
        url = f"{found[0]}{host}{slash}{path}"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in url)
