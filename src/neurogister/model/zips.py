"""The zip archive that a package is delivered as, for who still asks for its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .digest import is_digest
from .paths import check_component

if TYPE_CHECKING:
    from .fields import Fields

SUFFIX = ".zip"


@dataclass(frozen=True, slots=True)
class ZipSource:
    """Which dataset is the zip archive of the next release.

    Parameters
    ----------
    dataset : str
        Its identifier or name.
    name : str
        What the archive is called where it is delivered.
    """

    dataset: str
    name: str

    @classmethod
    def from_fields(cls, fields: Fields) -> ZipSource:
        """Read what the file of a package says of it."""
        dataset, name = fields.text("dataset"), fields.text("name")
        if dataset is None or name is None:
            raise fields.error("dataset" if dataset is None else "name", "is missing")
        if (why := why_no_zip(name)) is not None:
            raise fields.error("name", why)
        return cls(dataset, name)

    def as_mapping(self) -> dict[str, Any]:
        """Return what a file says of it, in the usual order."""
        return {"dataset": self.dataset, "name": self.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Zip:
    """One zip archive: its name, and its very bytes.

    Parameters
    ----------
    name : str
        What it is called where it is delivered: one component that ends with ``.zip``.
    md5 : str
        32 hexadecimal digits; its address in a remote.
    size : int, optional
        Bytes.
    sha256 : str, optional
    dataset : str, optional
        The dataset that it is, as ``NAME@VERSION``.
    """

    name: str
    md5: str
    size: int | None = None
    sha256: str | None = None
    dataset: str | None = None

    @classmethod
    def from_fields(cls, fields: Fields) -> Zip:
        """Read what a ledger says of it."""
        name, md5 = fields.text("name"), fields.text("md5")
        sha256 = fields.text("sha256")
        if name is None or md5 is None:
            raise fields.error("name" if name is None else "md5", "is missing")
        if (why := why_no_zip(name)) is not None:
            raise fields.error("name", why)
        if not is_digest("md5", md5):
            raise fields.error("md5", "must be 32 hexadecimal digits in lower case")
        if sha256 is not None and not is_digest("sha256", sha256):
            raise fields.error("sha256", "must be 64 hexadecimal digits in lower case")
        return cls(
            name=name, md5=md5, size=fields.count("size"), sha256=sha256,
            dataset=fields.text("dataset"),
        )  # fmt: skip

    def as_mapping(self) -> dict[str, Any]:
        """Return what a file says of it, in the usual order, without what is not known."""
        fields = {
            "dataset": self.dataset, "name": self.name, "md5": self.md5, "size": self.size,
            "sha256": self.sha256,
        }  # fmt: skip
        return {name: value for name, value in fields.items() if value is not None}


def is_zip(path: str) -> bool:
    """Tell whether a file is a zip archive, by its name; some systems write it in capitals."""
    return path.lower().endswith(SUFFIX) and path.rpartition("/")[2].lower() != SUFFIX


def why_no_zip(name: str) -> str | None:
    """Return why an archive cannot be called so, as the end of a sentence; None if it can."""
    try:
        check_component(name)
    except ValueError as error:
        return f"is {name[:80]!a}, which {error}"
    return None if is_zip(name) else f"is {name[:80]!a}, and must end with {SUFFIX}"
