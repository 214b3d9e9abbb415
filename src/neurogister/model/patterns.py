"""Regular expressions of strangers: how long they may take, told before they run.

Python's matcher tries one way after the other. How many ways there are at most follows from the
repetitions in the pattern and the length of the text; a pattern with too many is not run.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from typing import Any

MOST_STEPS = 20_000_000
MAX_PATTERN = 1000

_TYPICAL = 128  # characters of a text that any pattern must be able to look at
_PLAIN = {"LITERAL", "NOT_LITERAL", "ANY", "IN", "AT", "CATEGORY", "RANGE"}


class PatternError(ValueError):
    """A pattern is refused; the reason is the end of a sentence that starts with it."""


def check_pattern(pattern: str, *, length: int = _TYPICAL) -> None:
    """Refuse a pattern that could take forever with a text of moderate length.

    Parameters
    ----------
    pattern : str
        A regular expression, as JSON Schema has it.
    length : int
        Of the longest text that it must be able to look at.

    Raises
    ------
    PatternError
        With the reason.

    Examples
    --------
    >>> check_pattern("^sub-[0-9]+$")
    >>> check_pattern("^(a+)+$")
    Traceback (most recent call last):
    ...
    neurogister.model.patterns.PatternError: could take forever: it repeats what repeats or varies
    """
    if most_steps(pattern, length) > MOST_STEPS:
        raise PatternError("could take forever: it repeats what repeats or varies")


@lru_cache(maxsize=4096)
def most_steps(pattern: str, length: int) -> int:
    """Return how many steps a search in a text takes at most; all beyond `MOST_STEPS` are alike.

    Parameters
    ----------
    pattern : str
        A regular expression.
    length : int
        Characters of the text.

    Raises
    ------
    PatternError
        If it is no regular expression, or has what cannot be judged: look-around, references.
    """
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"is longer than {MAX_PATTERN:,} characters")
    parser: Any = re._parser  # type: ignore[attr-defined]  # noqa: SLF001 - it has the tree
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of what will mean something else one day
            tree = parser.parse(pattern)
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise PatternError(f"is no regular expression: {error}") from None
    _, steps = _sequence(tree, length)
    anchored = len(tree) > 0 and str(tree[0][0]) == "AT" and str(tree[0][1]) == "AT_BEGINNING"
    starts = 1 if anchored else length + 1
    return min(steps * starts, MOST_STEPS + 1)


def _sequence(tree: Any, length: int) -> tuple[int, int]:
    """Return in how many ways a sequence can match at most, and how many steps all take."""
    ways, steps = 1, 1
    for operation, argument in tree:
        more_ways, more_steps = _part(str(operation), argument, length)
        steps = min(steps + ways * more_steps, MOST_STEPS + 1)
        ways = min(ways * more_ways, MOST_STEPS + 1)
    return ways, steps


def _part(operation: str, argument: Any, length: int) -> tuple[int, int]:
    if operation in _PLAIN:
        return 1, 1
    if operation == "SUBPATTERN":
        return _sequence(argument[-1], length)
    if operation == "BRANCH":
        branches = [_sequence(each, length) for each in argument[1]]
        return sum(ways for ways, _ in branches), sum(steps for _, steps in branches)
    if operation in ("MAX_REPEAT", "MIN_REPEAT"):
        return _repeat(*argument, length=length)
    raise PatternError("has look-around, a reference or another thing whose time cannot be told")


def _repeat(least: int, most: int, body: Any, *, length: int) -> tuple[int, int]:
    ways, steps = _sequence(body, length)
    most = min(int(most), max(length, int(least)))
    if ways == 1:
        return most - int(least) + 1, min(steps * max(most, 1), MOST_STEPS + 1)
    if ways.bit_length() * most > 64:  # the power alone would be beyond all bounds
        return MOST_STEPS + 1, MOST_STEPS + 1
    before = sum(ways**count for count in range(most))
    return min(before + ways**most, MOST_STEPS + 1), min(before * steps + 1, MOST_STEPS + 1)
