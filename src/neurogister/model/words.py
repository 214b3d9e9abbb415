"""The words of a text, in the form in which they are compared: whatever the case, the accents."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_BORDER = "\ue000"  # stands between two texts, so that no phrase reaches across
_WORD = re.compile(r"[^\W_]+")
_WORD_OR_BORDER = re.compile(rf"[^\W_]+|{_BORDER}")
_LONGEST = 200  # characters of a word that count


def words_of(text: str) -> list[str]:
    """Return the words of a text: runs of letters and digits, folded.

    Parameters
    ----------
    text : str
        Anything.

    Returns
    -------
    list of str
        Without case, accents and other marks: ``Café_T1`` gives ``cafe``, ``t1``.
    """
    return _shortened(_WORD.findall(_folded(text)))


def searchable(texts: Iterable[str]) -> str:
    """Return the words of several texts as one text, in which a phrase can be looked for.

    Parameters
    ----------
    texts : iterable of str
        The texts.

    Returns
    -------
    str
        Words with single blanks between, before and behind them.
    """
    words = _shortened(_WORD_OR_BORDER.findall(_folded(_BORDER.join(texts))))
    return f" {' '.join(words)} "


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text).casefold()
    parts = unicodedata.normalize("NFKD", plain)
    return "".join(each for each in parts if not unicodedata.combining(each))


def _shortened(words: list[str]) -> list[str]:
    if max(map(len, words), default=0) <= _LONGEST:
        return words
    return [word[:_LONGEST] for word in words]
