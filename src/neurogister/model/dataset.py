"""A dataset as the registry shows it: its pointer, its record, and where it belongs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .fields import Fields
    from .ledger import Version
    from .pointer import Pointer
    from .record import Record

UNKNOWN_LICENSE = "NOASSERTION"
"""What SPDX calls a licence of which nobody has said anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One tracked file or folder.

    Parameters
    ----------
    name : str
        Its path under ``data/``; from the top of the registry for pointers elsewhere; for packages
        ``VENDOR/PACKAGE``.
    kind : {'dataset', 'resource', 'package'}
        A resource has no pointer: it lives outside DVC, or is withdrawn.
    place : str
        Where its data lies, from the top of the registry.
    pointer_path : str, optional
        Its ``.dvc`` file.
    record_path : str, optional
        The YAML file with its record, where that is not in the pointer.
    pointer : Pointer, optional
        What the pointer says; none for a resource, or if it is broken.
    record : Record, optional
        Its record, if it has one.
    collection : str, optional
        The name of its collection: the folder below ``data/``.
    license : str, optional
        Its own licence, or that of the collection.
    manifest_path : str, optional
        Its ``NAME.manifest.csv``, if there is one.
    error : str, optional
        What is wrong with its file; it starts with the file's path.
    """

    name: str
    kind: str = "dataset"
    place: str
    pointer_path: str | None = None
    record_path: str | None = None
    pointer: Pointer | None = None
    record: Record | None = None
    collection: str | None = None
    license: str | None = None
    manifest_path: str | None = None
    error: str | None = None

    @property
    def id(self) -> str | None:
        """Its identifier."""
        return self.record.id if self.record else None

    @property
    def status(self) -> str:
        """``active``, ``deprecated``, ``withdrawn``, or ``broken`` if its file is."""
        if self.error is not None:
            return "broken"
        return self.record.status if self.record else "active"

    @property
    def dtype(self) -> str | None:
        """What kind of data it is."""
        return self.record.dtype if self.record else None

    @property
    def title(self) -> str | None:
        """What it is called."""
        return self.record.title if self.record else None

    @property
    def versions(self) -> tuple[Version, ...]:
        """Its ledger: all versions, oldest first."""
        return self.record.versions if self.record else ()

    @property
    def version(self) -> int | str | None:
        """The newest version."""
        if self.record is None:
            return None
        if self.record.version is None and self.versions:
            return self.versions[-1].version
        return self.record.version

    @property
    def path(self) -> str:
        """The file that says what it is: its pointer, or else its record."""
        return self.pointer_path or self.record_path or self.place

    @property
    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return self.pointer is not None and self.pointer.is_dir

    @property
    def size(self) -> int | None:
        """How many bytes it has, as far as is known."""
        if self.pointer is not None:
            return self.pointer.size
        return self.versions[-1].size if self.versions else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A folder of datasets below ``data/``.

    Parameters
    ----------
    name : str
        The name of the folder.
    path : str
        Its ``collection.yaml``, or the folder if it has none.
    title, description, license, citation, contact : str, optional
    authors : tuple of str or mapping
        Names, or mappings with names and more.
    keywords : tuple of str
    extra : mapping
        Fields that this version of neurogister does not know.
    datasets : int
        How many datasets it has.
    error : str, optional
        What is wrong with its file.
    """

    name: str
    path: str
    title: str | None = None
    description: str | None = None
    license: str | None = None
    citation: Any = None
    contact: Any = None
    authors: tuple[Any, ...] = ()
    keywords: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    datasets: int = 0
    error: str | None = None

    @classmethod
    def from_fields(cls, fields: Fields, *, name: str) -> Collection:
        """Read ``collection.yaml``."""
        return cls(
            name=name,
            path=fields.path,
            title=fields.text("title"),
            description=fields.text("description"),
            license=fields.text("license"),
            citation=fields.take("citation"),
            contact=fields.take("contact"),
            authors=tuple(fields.items("authors")),
            keywords=fields.texts("keywords"),
            extra=fields.rest(),
        )
