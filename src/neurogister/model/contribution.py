"""What a submission is about: the datasets and packages that it adds, changes or removes."""

from __future__ import annotations

from dataclasses import dataclass

ADDED = "added"
CHANGED = "changed"
REMOVED = "removed"
DATASET = "dataset"
PACKAGE = "package"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """A dataset or package of a submission, as its files say: nothing of it is known to be right.

    Parameters
    ----------
    kind : {'dataset', 'package'}
    change : {'added', 'changed', 'removed'}
    name : str
        Its path below ``data/`` or ``store/``.
    id, version, dtype, license, title : str, optional
    size, nfiles : int, optional
        Bytes of the newest version; of a folder or package, how many files.
    """

    kind: str
    change: str
    name: str
    id: str | None = None
    version: str | None = None
    dtype: str | None = None
    license: str | None = None
    title: str | None = None
    size: int | None = None
    nfiles: int | None = None
