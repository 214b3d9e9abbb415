"""Names that look alike: what a person takes for one name although it is another.

A small part of Unicode Technical Standard 39: text is brought to a skeleton, in which letters that
look alike are one. Of other alphabets, only those letters are known that look like Latin ones; of
ASCII, the pairs that fonts keep apart badly.
"""

from __future__ import annotations

import re
import unicodedata

# UTS 39, confusables.txt: single letters that look like a Latin one.
_CYRILLIC = dict(zip("авсԁеһіјкӏмнорԛѕтухԝ", "abcdehijklmhopqstyxw", strict=True))
_GREEK = dict(zip("αβεικνορτυχ", "abeikvoptux", strict=True))
_ARMENIAN = dict(zip("ոսհօգ", "nuhoq", strict=True))
_LATIN = {"ı": "i", "ɩ": "i", "ɑ": "a", "ɡ": "g", "ʏ": "y", "ⅼ": "l", "ꞁ": "l", "ǀ": "l"}
_ASCII = {"0": "o", "1": "l", "i": "l", "|": "l"}
_TABLE = str.maketrans({**_CYRILLIC, **_GREEK, **_ARMENIAN, **_LATIN})
_IDENTIFIERS = str.maketrans({**_ASCII, "_": "-"})
_WORD = re.compile(r"[^\W\d_]+")  # the ending of a file is Latin everywhere
_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC")


def skeleton(path: str) -> str:
    """Return what a path looks like: letters of other alphabets as Latin ones, case aside."""
    if path.isascii():
        return path.lower()
    text = unicodedata.normalize("NFKD", path).casefold().translate(_TABLE)
    return unicodedata.normalize("NFC", text)


def identifier_skeleton(key: str) -> str:
    """Return what an identifier looks like: ``0`` and ``o`` as one, ``1``, ``l`` and ``i`` too.

    Parameters
    ----------
    key : str
        The identifier, case-folded.
    """
    return key.translate(_IDENTIFIERS).replace("rn", "m").replace("vv", "w")


def is_mixed(name: str) -> bool:
    """Tell whether a word in a name has letters of several alphabets that look alike."""
    return not name.isascii() and any(len(_alphabets(word)) > 1 for word in _WORD.findall(name))


def _alphabets(word: str) -> set[str]:
    return {
        alphabet
        for character in word
        for alphabet in _ALPHABETS
        if unicodedata.name(character, "").startswith(f"{alphabet} ")
    }
