"""Objects: how DVC addresses what a cache or remote keeps, and what is known of one beforehand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import IntegrityError

if TYPE_CHECKING:
    from .digest import Expected


FOLDER = "files/md5/"
"""Where DVC 3 keeps objects, in a cache or a remote."""


@dataclass(frozen=True, slots=True)
class ObjectId:
    """The address of an object.

    Parameters
    ----------
    md5 : str
        32 hexadecimal digits.
    listing : bool
        Whether it is the listing of a folder (``.dir`` in its name).
    legacy : bool
        Whether it lies in DVC 2's layout (``ab/cdef…`` instead of ``files/md5/ab/cdef…``).
    """

    md5: str
    listing: bool = False
    legacy: bool = False

    @property
    def key(self) -> str:
        """The name of the object below a cache or a remote."""
        prefix = "" if self.legacy else FOLDER
        return f"{prefix}{self.md5[:2]}/{self.md5[2:]}{'.dir' if self.listing else ''}"

    def __str__(self) -> str:
        return f"{self.md5}.dir" if self.listing else self.md5


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object that somebody needs.

    Parameters
    ----------
    oid : ObjectId
        Its address.
    expected : Expected
        What its content must be.
    label : str
        What the user calls it: ``mni152/t1.nii.gz``, ``dwi:sub-01/dwi.bval``.
    limit : int
        The most bytes that it may have.
    remote : str, optional
        The remote that its pointer names, to be asked first.
    """

    oid: ObjectId
    expected: Expected
    label: str
    limit: int
    remote: str | None = None


def stricter(one: Wanted, other: Wanted) -> Wanted:
    """Return what an object must be that two want.

    Raises
    ------
    IntegrityError
        If it cannot be both.
    """
    if one.expected == other.expected:
        return one
    merged: dict[str, Any] = {}
    for name in ("size", "sha256", "sha1"):
        mine, theirs = getattr(one.expected, name), getattr(other.expected, name)
        if mine is not None and theirs is not None and mine != theirs:
            raise IntegrityError(
                f"{other.label}: its record gives the object {other.oid} the {name} {theirs},"
                f" and that of {one.label} {mine}",
                hint="The registry contradicts itself here: tell its maintainers.",
            )
        merged[name] = theirs if mine is None else mine
    merged["needs_sha256"] = one.expected.needs_sha256 or other.expected.needs_sha256
    return replace(
        one,
        expected=replace(one.expected, **merged),
        limit=min(one.limit, other.limit),
        remote=one.remote or other.remote,
    )
