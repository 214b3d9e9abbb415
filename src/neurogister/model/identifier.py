"""The short name of a dataset that never changes its meaning."""

from __future__ import annotations

import re

from neurogister.errors import UsageError

_FORM = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,254}\Z")


class Identifier(str):
    """A short, unique name: a letter or digit, then letters, digits, ``_`` and ``-``.

    It is text like any other, and equal to it; `key` is what has to be unique.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Identifier:
        """Return text as an identifier.

        Parameters
        ----------
        text : str
            What was given or read.

        Raises
        ------
        UsageError
            If it is longer than 255 characters or has one that an identifier cannot have.
        """
        if not _FORM.match(text[:256]):
            raise UsageError(
                f"{_shortened(text)} is not an identifier",
                hint="An identifier starts with a letter or digit (A-Z, a-z, 0-9); after that it"
                " may have '_' and '-' too; it has at most 255 characters.",
            )
        return cls(text)

    @staticmethod
    def fits(text: str) -> bool:
        """Tell whether text could be an identifier."""
        return _FORM.match(text) is not None

    @property
    def key(self) -> str:
        """The form that has to be unique: case does not count."""
        return self.casefold()


def _shortened(text: str) -> str:
    return ascii(text) if len(text) <= 80 else f"{text[:77]!a}…"
