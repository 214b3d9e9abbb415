"""What people type to name a thing: ``NAME[@VERSION][:PART]``, paths, globs."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .ledger import is_semantic_version
from .pointer import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .dataset import Dataset

Names = str | Iterable[str]
"""One name, or several, as functions take them."""

_WILD = re.compile(r"[*?\[]")
_NUMBER = re.compile(r"\A[1-9][0-9]{0,17}\Z")


@dataclass(frozen=True, slots=True)
class Target:
    """What a name turned out to mean.

    Parameters
    ----------
    item : Dataset
        The dataset, resource or package.
    version : str, optional
        Which version was asked for.
    part : str, optional
        Which file, folder or glob inside it was asked for.
    as_typed : str
        What the user wrote.
    """

    item: Dataset
    version: str | None = None
    part: str | None = None
    as_typed: str = ""

    def __str__(self) -> str:
        version = f"@{self.version}" if self.version else ""
        return f"{self.item.name}{version}{f':{self.part}' if self.part else ''}"


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read what was typed.

    Parameters
    ----------
    base : str
        An identifier, name, path or glob.
    version, part : str, optional
        What stood behind ``@`` and ``:``.
    """

    base: str
    version: str | None = None
    part: str | None = None


def readings(text: str) -> Iterator[Reading]:
    """Give the ways to read what was typed, the most literal first.

    A name may itself hold ``@`` or ``:``, so the caller takes the first reading whose base exists.

    Parameters
    ----------
    text : str
        As typed: ``mni152-t1@2``, ``sub-01:dwi/*.bval``, ``vendor/package@1.2.0:notes``.
    """
    yield Reading(text)
    yield from _versioned(text, None)
    for found in re.finditer(":", text):
        base, part = text[: found.start()], text[found.end() :]
        if base and part:
            yield Reading(base, None, part)
            yield from _versioned(base, part)


def _versioned(text: str, part: str | None) -> Iterator[Reading]:
    base, at, version = text.rpartition("@")
    if at and base and is_version(version):
        yield Reading(base, version, part)


def is_version(text: str) -> bool:
    """Tell whether text can be the number of a version."""
    return _NUMBER.match(text) is not None or is_semantic_version(text)


def listed(names: Names) -> tuple[str, ...]:
    """Return names as a tuple; a text is one of them, not a row of letters."""
    return (names,) if isinstance(names, str) else tuple(names)


def is_glob(text: str) -> bool:
    """Tell whether text has wildcards."""
    return _WILD.search(text) is not None


def glob_matcher(pattern: str) -> Callable[[str], bool]:
    """Return what tells whether a name matches a glob; ``*`` crosses ``/``, case counts."""
    match = re.compile(fnmatch.translate(pattern)).match
    return lambda name: match(name) is not None


def normalize_path(text: str) -> str | None:
    """Return a relative path without ``.``, ``..`` and doubled slashes.

    Parameters
    ----------
    text : str
        With ``/`` between components.

    Returns
    -------
    str or None
        None if it leads out, or is the top itself.
    """
    path = posixpath.normpath(text)
    if path in (".", "..") or path.startswith(("../", "/")):
        return None
    return path


def place_of(path: str) -> str:
    """Return where the data lies that a path stands for: a pointer stands for what it points to."""
    return path.removesuffix(SUFFIX) if path.rpartition("/")[2] != SUFFIX else path
