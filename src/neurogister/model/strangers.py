"""What a stranger's text must not have: markup, commands, formulas, secrets, what nobody sees.

Everything that a registry says ends up in terminals, web pages, spreadsheets and logs of workflows.
Ours write it out harmlessly; others' may not. Scientific text must pass: ``p < 0.05``, ``<1 mm``,
``-1.5``, DOIs, e-mail addresses, any script of the world, emoji.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 20_000

MARKUP = "text-markup"
LINK = "text-link"
SECRET = "secret"  # noqa: S105 - the name of a rule
FORMULA = "text-formula"
COMMAND = "text-command"
INVISIBLE = "text-invisible"
LENGTH = "text-length"

_MARKUP = re.compile(r"<[A-Za-z!/?][^\s<>]{0,40}")
_SCRIPT = re.compile(
    r"(?:java|vb|live)script\s*:|\bdata:[a-z]+/[\w.+-]+[;,]|\bfile:/|\b(?:blob|filesystem):http",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"(?:\A|[\r\n\x85\u2028\u2029]|%0[AaDd])[ \t]*(?:::[A-Za-z]|##\[[A-Za-z])")
_FORMULA = re.compile(r"\A\s*[=@\uff1d\uff20\t\r]")
_SIGNED = re.compile(r"\A\s*[+\-\uff0b\uff0d](?! ).{0,500}?(?:[A-Za-z0-9.]\(|\||!)", re.DOTALL)
_LOGIN = re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://[^\s/@:]*:[^\s/@]+@", re.IGNORECASE)

# The forms that providers give to their secrets, so that they can be found; from their manuals.
_SECRETS = {
    "an access key of AWS": r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
    "a token of GitHub": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})",
    "a token of GitLab": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "a token of Slack": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    "a key of Google": r"\bAIza[A-Za-z0-9_-]{35}",
    "a token of PyPI": r"\bpypi-AgE[A-Za-z0-9_-]{40,}",
    "a token of Hugging Face": r"\bhf_[A-Za-z0-9]{30,}",
    "a private key": r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY",
    "a signed address": r"[?&](?:X-Amz-Signature|X-Goog-Signature|sig)=[A-Za-z0-9%+/=]{16,}",
    "a signed token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
}
_SECRET = re.compile("|".join(f"({form})" for form in _SECRETS.values()))

# Joiners make emoji and letters of many scripts; everything else here only hides or turns text.
_JOINERS = "\u200c\u200d"
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_TAG_FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a]{2,6}\U000e007f")  # Scotland, Wales …


@dataclass(frozen=True, slots=True)
class Danger:
    """Something in a text that must not be there.

    Parameters
    ----------
    rule : str
        The id of the rule that it breaks.
    what : str
        What it is, as the end of a sentence.
    shown : str
        As much of it as may be shown: of a secret next to nothing.
    """

    rule: str
    what: str
    shown: str


def find_dangers(text: str, *, longest: int = LONGEST) -> Iterator[Danger]:
    """Find what must not be in a text; of each kind the first.

    Parameters
    ----------
    text : str
        The text.
    longest : int
        How many characters it may have.

    Examples
    --------
    >>> [danger.rule for danger in find_dangers("p < 0.05, age <18, -1.5 (SD)")]
    []
    >>> [danger.rule for danger in find_dangers("<b>bold</b>")]
    ['text-markup']
    """
    if len(text) > longest:
        yield Danger(LENGTH, f"has {len(text):,} characters, of at most {longest:,}", text[:60])
        text = text[:longest]
    if (found := find_secret(text)) is not None:
        yield found
    if match := _MARKUP.search(text):
        yield Danger(MARKUP, "has markup", match.group())
    if match := _SCRIPT.search(text):
        yield Danger(LINK, "has a link that runs or opens something here", match.group())
    if match := _COMMAND.search(text):
        yield Danger(COMMAND, "has a line that is a command to a workflow", _around(text, match))
    if _FORMULA.match(text) or _SIGNED.match(text):
        yield Danger(FORMULA, "begins like a formula of a spreadsheet", text[:60])
    if (hidden := _hidden(text)) is not None:
        name = unicodedata.name(hidden, "a control character")
        yield Danger(INVISIBLE, f"has the invisible U+{ord(hidden):04X} ({name})", _spelled(text))


def find_secret(text: str) -> Danger | None:
    """Find something that should be known to one person only."""
    if match := _LOGIN.search(text):
        return Danger(SECRET, "has an address with a password", f"{match.group()[:10]}…")
    if match := _SECRET.search(text):
        kind = list(_SECRETS)[(match.lastindex or 1) - 1]
        return Danger(SECRET, f"has what looks like {kind}", f"{match.group()[:4]}…")
    return None


def _around(text: str, match: re.Match[str]) -> str:
    return text[match.start() : match.end() + 40].strip()


def _hidden(text: str) -> str | None:
    """Return the first character that nobody sees and that has no good reason."""
    if text.isascii() and text.isprintable():
        return None
    plain = _TAG_FLAG.sub("", text)
    for match in _INVISIBLE.finditer(plain):
        character = match.group()
        if character not in _JOINERS or not _joins(plain, match.start()):
            return character
    return None


def _joins(text: str, at: int) -> bool:
    """Tell whether a joiner stands between what it can join: emoji, or letters that connect."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if not before or not after:
        return False
    if before == "\ufe0f" or unicodedata.category(before) in ("So", "Sk"):
        return text[at] == "\u200d" and unicodedata.category(after) == "So"
    return ord(before) > 0x0590 and unicodedata.category(before)[0] in "LM"


def _spelled(text: str) -> str:
    return _INVISIBLE.sub(lambda match: f"<U+{ord(match.group()):04X}>", text[:60])
