"""What somebody searches for: words, and conditions on fields and metadata."""

from __future__ import annotations

import fnmatch
import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurogister.errors import UsageError

from .facts import DIGESTS, META, SEVERAL, SINGLE, Facts, Shared, Value, plain
from .names import is_glob
from .scalars import resolve
from .words import words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

COMPARISONS: dict[str, Callable[[str | float, str | float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_CONDITION = re.compile(r"\A(?P<key>[^=<>!]*)(?P<sign>!=|>=|<=|=|>|<)(?P<value>.*)\Z", re.DOTALL)
_DATE = re.compile(r"\A[0-9]{4}(-[0-9]{2}(-[0-9]{2}.*)?)?\Z", re.DOTALL)
_DATED = re.compile(r"\A[0-9]{4}-[0-9]{2}")
_PIECE = re.compile(r'"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+)|(?P<open>")')
_DAY = re.compile(r"\A[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?\Z")
_LONG_HEX = re.compile(r"\A[0-9a-f]{7,64}\Z")
_HEX = re.compile(r"\A[0-9a-f]{4,64}\Z")
_MOST = 100


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that follow one another.

    Parameters
    ----------
    words : tuple of str
        As `words_of` gives them.
    is_start : bool
        Whether the last one may go on.
    """

    words: tuple[str, ...]
    is_start: bool

    @property
    def start(self) -> tuple[tuple[str, ...], str] | None:
        """The fields whose values are no words, and what one of them may start with.

        Digests, from 7 digits on, and dates: else the word ``5`` would find every sixteenth
        digest, and ``01`` most dates.
        """
        if len(self.words) == 1 and _LONG_HEX.match(self.words[0]):
            return DIGESTS, self.words[0]
        whole = "-".join(self.words)
        return (("date",), whole) if _DAY.match(whole) else None

    def is_in(self, text: str) -> bool:
        """Tell whether they are in a text, as `searchable` gives it."""
        return f" {' '.join(self.words)}{'' if self.is_start else ' '}" in text


@dataclass(frozen=True, slots=True)
class Condition:
    """What the values of one key must be: one of them at least.

    Parameters
    ----------
    key : str
        A field, or ``meta.`` and a key of the metadata.
    sign : {'', '=', '*', '<', '<=', '>', '>='}
        Nothing: there is such a key; ``*``: fits the glob.
    text : str
        What it is compared with, as typed.
    value : number, bytes or None
        The same as a number, or as true or false, if it is one.
    is_negative : bool
        Whether just those are wanted for which it does not hold.
    """

    key: str
    sign: str = ""
    text: str = ""
    value: Value = None
    is_negative: bool = False

    @property
    def date(self) -> str | None:
        """The date that it is compared with, if it is one."""
        return self.text if _DATE.match(self.text) else None

    def fits(self, value: Value) -> bool:
        """Tell whether a value is what it must be."""
        if self.sign == "=":
            wanted = self.text if isinstance(value, str) else self.value
            return value is not None and value == wanted
        if self.sign == "*":
            return isinstance(value, str) and self.fits_glob(value)
        return self.sign == "" or self._compares(value)

    def fits_glob(self, value: str) -> bool:
        """Tell whether a text is the one, or fits the glob."""
        return value == self.text or fnmatch.fnmatchcase(value, self.text)

    def _compares(self, value: Value) -> bool:
        compare = COMPARISONS[self.sign]
        if isinstance(value, int | float):
            return isinstance(self.value, int | float) and compare(value, self.value)
        if isinstance(value, str) and self.date is not None and _DATED.match(value):
            return compare(value[: len(self.date)], self.date)
        return False

    def holds(self, values: Iterable[Value]) -> bool:
        """Tell whether it holds for all the values of its key; there may be none."""
        return any(self.fits(value) for value in values) != self.is_negative


@dataclass(frozen=True, slots=True)
class Query:
    """Everything that must hold of what is found.

    Parameters
    ----------
    phrases : tuple of Phrase
        Each is somewhere in its words.
    conditions : tuple of Condition
        Each holds.
    digest : str, optional
        What a digest starts with: of any version, by any algorithm.
    """

    phrases: tuple[Phrase, ...] = ()
    conditions: tuple[Condition, ...] = ()
    digest: str | None = None

    def matches(self, facts: Facts, shared: Shared) -> bool:
        """Tell whether a dataset is what is searched for.

        Parameters
        ----------
        facts : Facts
            Of the dataset.
        shared : Shared
            What its collection adds.
        """
        has_digest = self.digest is None or _has_start(facts, DIGESTS, self.digest)
        return (
            has_digest
            and all(self._holds(condition, facts, shared) for condition in self.conditions)
            and all(self._is_in(phrase, facts, shared) for phrase in self.phrases)
        )

    @staticmethod
    def _holds(condition: Condition, facts: Facts, shared: Shared) -> bool:
        values = facts.values(condition.key)
        if condition.key == "license" and not values and shared.license is not None:
            values = [shared.license]
        return condition.holds(values)

    @staticmethod
    def _is_in(phrase: Phrase, facts: Facts, shared: Shared) -> bool:
        if phrase.is_in(facts.text) or phrase.is_in(shared.text):
            return True
        if phrase.start is not None and _has_start(facts, *phrase.start):
            return True
        return facts.single["license"] is None and phrase.is_in(shared.license_text)


def _has_start(facts: Facts, names: tuple[str, ...], start: str) -> bool:
    return any(
        name in names and isinstance(value, str) and value.startswith(start)
        for name, value in facts.several
    )


def parse_text(text: str) -> tuple[Phrase, ...]:
    """Read the words that are searched for.

    Parameters
    ----------
    text : str
        Words with blanks between them; words in double quotes follow one another. A word may go
        on in what is found, one in quotes may not.

    Raises
    ------
    UsageError
        If a quote is not closed, there is no letter or digit in a word, or it is not text.
    """
    _check_text(text)
    phrases = []
    for piece in _PIECE.finditer(text):
        if piece["open"]:
            raise UsageError(
                f"the quote in {text[piece.start() :][:80]!r} is not closed",
                hint="Write a phrase as '\"two words\"', in quotes of both kinds.",
            )
        words = words_of(piece["phrase"] if piece["word"] is None else piece["word"])
        if not words:
            raise UsageError(
                f"{piece[0][:80]!r} has no letter or digit to search for",
                hint="Conditions, as `-k 'age>=6'`, look at values to the letter.",
            )
        phrases.append(Phrase(tuple(words), is_start=piece["word"] is not None))
    if len(phrases) > _MOST:
        raise UsageError(f"there are more than {_MOST} words to search for")
    return tuple(phrases)


def parse_condition(text: str, *, is_negative: bool = False) -> Condition:
    """Read a condition: ``key``, ``key=value``, ``key!=value``, ``key>=value`` and so on.

    Parameters
    ----------
    text : str
        As typed.
    is_negative : bool
        Whether it must not hold (``-K``); then ``=`` and ``!=`` mean the same.

    Raises
    ------
    UsageError
        If it has no key, or compares with what is neither a number nor a date.
    """
    _check_text(text)
    found = _CONDITION.match(text)
    key = (found["key"] if found else text).strip()
    if not key or (found is None and "!" in text):
        raise UsageError(
            f"{text[:80]!r} is no condition: {'its sign' if key else 'a key'} is missing",
            hint="Write `key=value`, `key!=value`, `key>=number`, or a `key` that must be there.",
        )
    if found is None:
        return Condition(_full_key(key), is_negative=is_negative)
    sign, value = found["sign"], found["value"].strip()
    if sign == "!=":
        sign, is_negative = "=", True
    if key in DIGESTS:
        value = value.lower().removesuffix(".dir")
    number = _typed(value, text)
    if sign in COMPARISONS:
        _check_comparable(value, number, text)
    elif is_glob(value):
        sign = "*"
    return Condition(_full_key(key), sign, value, number, is_negative)


def parse_digest(text: str) -> str:
    """Read a digest, or the start of one: ``md5:5d41…``, ``5d41…``.

    Raises
    ------
    UsageError
        If it is none.
    """
    value = text.strip().lower().removesuffix(".dir")
    algorithm, colon, rest = value.partition(":")
    if colon and algorithm in DIGESTS:
        value = rest
    if not _HEX.match(value):
        raise UsageError(
            f"{text[:80]!r} is no digest",
            hint="Give 4 hexadecimal digits or more; `neurogister verify FILE` computes them.",
        )
    return value


def field_condition(key: str, text: str) -> Condition:
    """Return the condition that a field is a text, or fits a glob.

    Parameters
    ----------
    key : str
        One of the fields.
    text : str
        As typed.

    Raises
    ------
    UsageError
        If it is not text.
    """
    _check_text(text)
    return Condition(key, "*" if is_glob(text) else "=", text)


def _check_text(text: str) -> None:
    """Refuse bytes that are not UTF-8: Python hands them on as halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{text[:80]!a} is not UTF-8") from None


def _full_key(key: str) -> str:
    return key if key in SINGLE or key in SEVERAL or key.startswith(META) else f"{META}{key}"


def _typed(value: str, text: str) -> Value:
    """Return a number, true or false as such; None if it is text."""
    try:
        typed = resolve(value)
    except ValueError as error:
        raise UsageError(f"the number in {text[:80]!r} {error}") from error
    return None if isinstance(typed, str) else plain(typed)


def _check_comparable(value: str, number: Value, text: str) -> None:
    if not isinstance(number, int | float) and not _DATE.match(value):
        raise UsageError(
            f"{text[:80]!r} compares with {value[:80]!r}, which is neither a number nor a date",
            hint="Dates are written as 2026-11-21, or as much of it from the left.",
        )
