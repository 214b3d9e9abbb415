"""Which names and paths may come out of a pointer, a listing or an archive.

The rules are those of a portable, harmless path: what every file system keeps apart, what no
shell, git or Windows gives a meaning of its own. Sources: Microsoft, "Naming Files, Paths, and
Namespaces"; git's ``core.protectNTFS`` and ``core.protectHFS``; Unicode Standard Annex 15.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MAX_COMPONENT_BYTES = 250
MAX_DEPTH = 64

_PLAIN = re.compile(r"\A[A-Za-z0-9_+=,%#~()\[\]@!&'^-][A-Za-z0-9._+=,%#~()\[\]@!&'^ -]*\Z")
_FORBIDDEN = frozenset('\\:*?"<>|$;{}`/')
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?\Z", re.IGNORECASE)
_GIT = re.compile(r"(\.git.*|git~[0-9]+|\.dvc)\Z", re.IGNORECASE)


def check_component(name: str) -> None:
    """Check one component of a path.

    Parameters
    ----------
    name : str
        The name of a file or folder, without separators.

    Raises
    ------
    ValueError
        With the reason, as the end of a sentence that starts with the name.
    """
    if not name:
        raise ValueError("is empty")
    if (
        len(name) > MAX_COMPONENT_BYTES
        or len(name.encode("utf-8", "replace")) > MAX_COMPONENT_BYTES
    ):
        raise ValueError(f"is longer than {MAX_COMPONENT_BYTES} bytes")
    if name in (".", ".."):
        raise ValueError("would leave its folder")
    if not _PLAIN.match(name):
        _check_characters(name)
    if name[0] in "- " or name[-1] in ". ":
        raise ValueError("starts with a dash or space, or ends with a dot or space")
    if _DEVICE.match(name):
        raise ValueError("is the name of a Windows device")
    if name[0] in ".gG" and _GIT.match(name):
        raise ValueError("is a name that git or dvc keeps for itself")


def _check_characters(name: str) -> None:
    for character in name:
        if character in _FORBIDDEN:
            raise ValueError(f"holds the character {character!r}")
        category = unicodedata.category(character)
        if category[0] == "C" or category in ("Zl", "Zp"):  # control, or another line
            raise ValueError(f"holds the invisible character U+{ord(character):04X}")
    if not unicodedata.is_normalized("NFC", name):
        raise ValueError("is not in Unicode normal form C")
    if _GIT.match(unicodedata.normalize("NFKC", name)):
        raise ValueError("looks like a name that git or dvc keeps for itself")


def check_path(path: str) -> None:
    """Check a relative path with ``/`` between its components.

    Parameters
    ----------
    path : str
        As in a listing: ``sub-01/dwi.nii.gz``.

    Raises
    ------
    ValueError
        With the reason, as the end of a sentence that starts with the path.
    """
    if path.startswith("/"):
        raise ValueError("is absolute")
    components = path.split("/")
    if len(components) > MAX_DEPTH:
        raise ValueError(f"is deeper than {MAX_DEPTH} folders")
    for component in components:
        check_component(component)


def fold(path: str) -> str:
    """Return what a path is on a file system that knows neither case nor look-alike forms."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())


def check_together(paths: Iterable[str]) -> None:
    """Check that paths can lie in one folder: no two the same, none a file and a folder.

    Parameters
    ----------
    paths : iterable of str
        Relative paths, each fit for `check_path`.

    Raises
    ------
    ValueError
        That names the two paths which collide.
    """
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in paths:
        folded = fold(path)
        if (other := files.get(folded)) is not None:
            raise ValueError(f"{path!r} and {other!r} are one file where case does not count")
        files[folded] = path
        _note_folders(path, folders)
    for folded, folder in folders.items():
        if folded in files:
            raise ValueError(f"{folder!r} is both a file and a folder")


def _note_folders(path: str, folders: dict[str, str]) -> None:
    end = len(path)
    while (end := path.rfind("/", 0, end)) > 0:
        folder = path[:end]
        key = fold(folder)
        known = folders.get(key)
        if known == folder:
            return  # and so its parents are known
        if known is not None:
            raise ValueError(f"the folders {folder!r} and {known!r} differ in case only")
        folders[key] = folder
