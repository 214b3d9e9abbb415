"""Licences as SPDX writes them: expressions such as ``MIT AND CC-BY-4.0``.

Names of licences and exceptions, and the grammar, are those of `license-expression`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 500
NOTHING_SAID = frozenset({"NOASSERTION", "NONE"})
_OPERATORS = frozenset({"AND", "OR", "WITH"})
_OWN = re.compile(r"\A(DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+\Z")
_TOKEN = re.compile(r"[A-Za-z0-9.+:-]+|[()]|\s+|(?P<strange>.)", re.DOTALL)


class LicenseError(ValueError):
    """A text that is no SPDX expression.

    Parameters
    ----------
    reason : str
        What is wrong, as the end of a sentence that starts with the text.
    right : str, optional
        What was probably meant.
    """

    def __init__(self, reason: str, right: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.right = right


@dataclass(frozen=True, slots=True)
class License:
    """An SPDX expression that was understood.

    Parameters
    ----------
    text : str
        As it was written.
    usual : str
        With each name as SPDX writes it today.
    names : frozenset of str
        The licences in it, without exceptions.
    """

    text: str
    usual: str
    names: frozenset[str]

    @property
    def is_said(self) -> bool:
        """Whether it says anything: ``NONE`` and ``NOASSERTION`` do not."""
        return not self.names & NOTHING_SAID


@dataclass(frozen=True, slots=True)
class _Known:
    names: Mapping[str, str]  # lower case, names of former times too: as it is written today
    exceptions: frozenset[str]
    licensing: Any


def parse_license(text: str) -> License:
    """Understand an SPDX expression.

    Raises
    ------
    LicenseError
        If it is none; with what was probably meant.

    Examples
    --------
    >>> sorted(parse_license("MIT AND LicenseRef-ours").names)
    ['LicenseRef-ours', 'MIT']
    >>> parse_license("GPL-2.0").usual
    'GPL-2.0-only'
    """
    if len(text) > LONGEST:
        raise LicenseError(f"is longer than {LONGEST} characters")
    words = [_word(match) for match in _TOKEN.finditer(text)]
    plain = "".join(words)
    names = frozenset(word for word in words if word[:1].isalnum() and word not in _OPERATORS)
    exceptions = names & _known().exceptions
    if not names:
        raise LicenseError("names no licence")
    if names & NOTHING_SAID and len(names) > 1:
        raise LicenseError("says that nothing is said, beside a licence")
    _check_grammar(plain, exceptions)
    return License(text, " ".join(plain.split()), names - exceptions)


def _word(match: re.Match[str]) -> str:
    """Return a word of an expression as SPDX writes it."""
    word = match.group()
    if match.group("strange"):
        raise LicenseError(f"has the character {word!a}")
    if not word[0].isalnum() or word in _OPERATORS or word in NOTHING_SAID or _OWN.match(word):
        return word
    known = _known().names
    lower = word.lower()
    if lower.upper() in _OPERATORS:
        raise LicenseError(f"has {word!r} in small letters", word.upper())
    if lower in known:
        return known[lower]
    if lower.endswith("+") and lower[:-1] in known:
        return f"{known[lower[:-1]]}+"
    raise LicenseError(f"has {word[:60]!r}, which SPDX does not list", _nearest(lower))


def _nearest(lower: str) -> str | None:
    import difflib  # only for the suggestion

    known = _known().names
    longer = [name for name in known if name.startswith(f"{lower}-")]
    if longer:  # the version is missing: the newest of the plainest
        return known[max(longer, key=lambda name: (-len(name), name))]
    near = difflib.get_close_matches(lower, known, 1, 0.7)
    return known[near[0]] if near else None


def _check_grammar(plain: str, exceptions: frozenset[str]) -> None:
    from license_expression import ExpressionError, LicenseSymbol, LicenseWithExceptionSymbol

    # the suffix + says "or later" of any licence; the library knows it only of some
    text = re.sub(r"\+(?=[\s()]|\Z)", "", plain)
    try:
        parsed = _known().licensing.parse(text, validate=False)
        symbols = parsed.literals
    except (ExpressionError, ValueError, TypeError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120]
        raise LicenseError(f"is no expression of licences: {reason}") from None
    for symbol in symbols:
        if isinstance(symbol, LicenseWithExceptionSymbol):
            if symbol.exception_symbol.key not in exceptions:
                raise LicenseError(f"has {symbol.exception_symbol.key!r} behind WITH, no exception")
        elif isinstance(symbol, LicenseSymbol) and symbol.key in exceptions:
            raise LicenseError(f"has the exception {symbol.key!r} without WITH")


@cache
def _known() -> _Known:
    from license_expression import get_spdx_licensing  # 50 ms, only where licences are judged

    licensing = get_spdx_licensing()
    symbols = licensing.known_symbols
    names = {alias.lower(): key for key, each in symbols.items() for alias in each.aliases}
    names |= {key.lower(): key for key in symbols if not key.startswith("LicenseRef-")}
    exceptions = frozenset(key for key, symbol in symbols.items() if symbol.is_exception)
    return _Known(names, exceptions, licensing)
