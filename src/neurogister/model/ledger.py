"""The ledger: every version of a dataset or package, with the digests of its content."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .digest import is_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .fields import Fields
    from .zips import Zip

_MD5 = re.compile(r"\A[0-9a-f]{32}(\.dir)?\Z")
_NUMBER = r"(?:0|[1-9][0-9]*)"
_LABEL = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_SEMANTIC = re.compile(rf"\A{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_LABEL})?(?:\+{_LABEL})?\Z")
_Rank = tuple[tuple[int, ...], tuple[tuple[bool, int, str], ...]]


def is_semantic_version(text: str) -> bool:
    """Tell whether text is a semantic version: ``1.2.0``, ``2.0.0-rc.1``."""
    return len(text) <= 255 and _SEMANTIC.match(text) is not None


def semantic_rank(text: str) -> _Rank:
    """Return what puts semantic versions in their order (Semantic Versioning 2.0.0, 11)."""
    core, _, label = text.partition("+")[0].partition("-")
    parts = label.split(".") if label else []
    labels = tuple(
        (not each.isdecimal(), int(each) if each.isdecimal() else 0, each) for each in parts
    )
    # without a label it is the release itself, which comes after all that led to it
    return tuple(map(int, core.split("."))), labels or ((True, 1, ""),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One immutable state of a dataset (1, 2, 3 …) or package (1.2.0), as the ledger has it.

    Parameters
    ----------
    version : int or str
        Its number, or a semantic version.
    md5 : str, optional
        32 hexadecimal digits, with ``.dir`` for a folder; none if the version lies outside DVC.
    size, nfiles : int, optional
        Bytes; number of files of a folder.
    sha256, sha1, blake3 : str, optional
        Digests in lower-case hexadecimal; of a folder, of its listing.
    date, by, note : str, optional
        When, who and why.
    members : tuple of str
        Of a package: the datasets that it was made of, as ``NAME@VERSION``.
    zip : Zip, optional
        Of a package: the archive that it is delivered as to who asks for one.
    extra : mapping
        Fields that this version of neurogister does not know.
    """

    version: int | str
    md5: str | None = None
    size: int | None = None
    nfiles: int | None = None
    sha256: str | None = None
    sha1: str | None = None
    blake3: str | None = None
    date: str | None = None
    by: str | None = None
    note: str | None = None
    members: tuple[str, ...] = ()
    zip: Zip | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_dir(self) -> bool:
        """Whether it is a folder, and `md5` that of its listing."""
        return self.md5 is not None and self.md5.endswith(".dir")

    @classmethod
    def from_fields(cls, fields: Fields) -> Version:
        """Read one entry of a ledger."""
        number = take_version(fields)
        if number is None:
            raise fields.error("version", "is missing")
        return cls(
            version=number,
            md5=take_md5(fields),
            size=fields.count("size"),
            nfiles=fields.count("nfiles"),
            sha256=_take_digest(fields, "sha256"),
            sha1=_take_digest(fields, "sha1"),
            blake3=_take_digest(fields, "blake3"),
            date=fields.text("date"),
            by=fields.text("by"),
            note=fields.text("note"),
            members=fields.texts("members"),
            zip=_take_zip(fields),
            extra=fields.rest(),
        )

    def as_mapping(self) -> dict[str, Any]:
        """Return what a file says of it, in the usual order, without what is not known."""
        fields = known(
            version=self.version,
            md5=self.md5,
            size=self.size,
            nfiles=self.nfiles,
            sha256=self.sha256,
            sha1=self.sha1,
            blake3=self.blake3,
            date=self.date,
            by=self.by,
            note=self.note,
            members=list(self.members) or None,
            zip=None if self.zip is None else self.zip.as_mapping(),
        )
        return {**fields, **self.extra}


def take_md5(fields: Fields) -> str | None:
    """Take a digest as DVC writes it: with ``.dir`` for a folder."""
    value = fields.text("md5")
    if value is None or _MD5.match(value):
        return value
    raise fields.error("md5", "must be 32 hexadecimal digits in lower case, or with '.dir'")


def take_version(fields: Fields) -> int | str | None:
    """Take the number of a version: 1, 2, 3 … or a semantic version."""
    value = fields.take("version")
    if value is None:
        return None
    if type(value) is int and value >= 1:
        return value
    if type(value) is str and is_semantic_version(value):
        return value
    hint = "Put it in quotes." if isinstance(value, float) else None
    raise fields.error(
        "version", "must be a number from 1, or a semantic version such as '1.2.0'", hint=hint
    )


def _take_zip(fields: Fields) -> Zip | None:
    if fields.peek("zip") is None:
        return None
    from .zips import Zip  # few versions have one

    return Zip.from_fields(fields.inner("zip"))


def _take_digest(fields: Fields, algorithm: str) -> str | None:
    value = fields.text(algorithm)
    if value is None or is_digest("sha256" if algorithm == "blake3" else algorithm, value):
        return value
    length = 40 if algorithm == "sha1" else 64
    raise fields.error(algorithm, f"must be {length} hexadecimal digits in lower case")


def as_version(text: str | None) -> int | str | None:
    """Return a version that somebody typed as a ledger has it: a number, or semantic text."""
    return int(text) if text is not None and text.isdecimal() else text


def known(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}
