"""Which files cannot lie in one folder: all that are in each other's way, not only the first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .paths import fold


def find_clashes(owned: Iterable[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Find paths that are the same, differ in case only, or are a file and a folder.

    Parameters
    ----------
    owned : iterable of (str, str)
        Relative paths, each with whom it comes from.

    Returns
    -------
    list of (str, str, str)
        Whom the later and the earlier one comes from, and what is wrong; each pair of owners once
        for each reason.
    """
    files: dict[str, tuple[str, str]] = {}
    folders: dict[str, tuple[str, str]] = {}
    found: dict[tuple[str, str, str], None] = {}
    paths = list(owned)
    for path, owner in paths:
        for folder in _folders(path):
            name, other = folders.setdefault(fold(folder), (folder, owner))
            if name != folder:
                why = f"the folders {folder!r} and {name!r} differ in case only"
                found[owner, other, why] = None
    for path, owner in paths:
        key = fold(path)
        if key in files:
            name, other = files[key]
            same = "both give" if name == path else f"where case does not count, {name!r} is also"
            found[owner, other, f"{same} {path!r}"] = None
        files.setdefault(key, (path, owner))
        if key in folders:
            folder, other = folders[key]
            found[owner, other, f"{folder!r} is both a file and a folder"] = None
    return list(found)


def _folders(path: str) -> Iterator[str]:
    end = len(path)
    while (end := path.rfind("/", 0, end)) > 0:
        yield path[:end]
