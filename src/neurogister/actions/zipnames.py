"""Zip archives by name, as test suites list them: ``{"bundles.zip": md5}``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..errors import RefusedError
from ..model.locked import Locked, Lockfile
from ..model.zips import is_zip

_LOCKED = (
    "A name can stand for one archive only: lock both in one version, or remove one"
    " (`neurogister lock remove`)."
)


def zip_archives(locked: Lockfile) -> dict[str, str]:
    """Return the zip archives that a lockfile has, by file name alone.

    Parameters
    ----------
    locked : Lockfile
        Its datasets and packages are looked through, and the files of its folders.

    Returns
    -------
    dict of str to str
        The md5 of each, in the order of names.

    Raises
    ------
    RefusedError
        If one name stands for two different archives.
    """
    return name_archives(found for each in locked.locked for found in _archives(each))


def name_archives(
    archives: Iterable[tuple[str, str, str]], *, hint: str = _LOCKED
) -> dict[str, str]:
    """Give archives their file names, which must tell them apart.

    Parameters
    ----------
    archives : iterable of (str, str, str)
        The path of each, its md5, and whom it belongs to.
    hint : str
        What to do if two have one name.

    Raises
    ------
    RefusedError
        If one name stands for two different archives.
    """
    known: dict[str, tuple[str, str]] = {}
    for path, md5, owner in archives:
        name = path.rpartition("/")[2]
        other, first = known.setdefault(name, (md5, owner))
        if other != md5:
            raise RefusedError(
                f"{name} is {md5} in {owner}, and {other} in {first}",
                hint=hint,
            )
    return {name: known[name][0] for name in sorted(known)}


def _archives(locked: Locked) -> Iterator[tuple[str, str, str]]:
    files = [(locked.name, locked.md5)]
    if locked.zip is not None and locked.part is None:
        files = [(locked.zip.name, locked.zip.md5)]  # the files are what is in it
    elif locked.is_folder:
        files = [(entry.path, entry.md5) for entry in locked.files]
    yield from ((path, md5, locked.label) for path, md5 in files if is_zip(path))
