"""Who curates, and what: vendors and their packages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .dataset import Dataset
from .fields import Fields
from .ledger import known
from .paths import check_path
from .record import Record
from .zips import ZipSource

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Member:
    """One dataset of a package, or a part of it.

    Parameters
    ----------
    dataset : str
        Its identifier or name.
    path : str
        Where it is put in the package.
    part : str, optional
        A file, folder or glob inside a folder dataset; without it, all of it.
    version : int or str, optional
        Which version; without it, the one at the time of the release.
    """

    dataset: str
    path: str
    part: str | None = None
    version: int | str | None = None

    def __str__(self) -> str:
        version = f"@{self.version}" if self.version is not None else ""
        return f"{self.dataset}{version}{f':{self.part}' if self.part else ''}"

    def as_mapping(self) -> dict[str, Any]:
        """Return what a file says of it, in the usual order."""
        return known(dataset=self.dataset, version=self.version, part=self.part, path=self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package(Dataset):
    """A versioned set of datasets for one purpose; what it has in common with them is in `Dataset`.

    Parameters
    ----------
    vendor : str
        Who curates it.
    department : str, optional
        The group of vendors.
    purpose : str, optional
        What it is for.
    members : tuple of Member
        What it is made of; empty where only the pointer says it.
    zip : ZipSource, optional
        The zip archive that its next release is delivered as to who asks for one.
    """

    vendor: str
    department: str | None = None
    purpose: str | None = None
    members: tuple[Member, ...] = ()
    zip: ZipSource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """Who curates packages: a folder of ``store/``.

    Parameters
    ----------
    name : str
        The name of the folder.
    path : str
        Its ``vendor.yaml`` or ``meta.yml``, or the folder if it has none.
    department : str, optional
        The group that it belongs to.
    title, description : str, optional
    maintainers : tuple
        Names, or mappings with names and more.
    packages : tuple of str
        Their names, sorted.
    extra : mapping
        Fields that this version of neurogister does not know.
    error : str, optional
        What is wrong with its file.
    """

    name: str
    path: str
    department: str | None = None
    title: str | None = None
    description: str | None = None
    maintainers: tuple[Any, ...] = ()
    packages: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None

    @classmethod
    def from_fields(cls, fields: Fields, *, name: str, department: str | None) -> Vendor:
        """Read ``vendor.yaml`` or the older ``meta.yml``.

        The list of packages in ``meta.yml`` is checked and left aside: the files tell better.
        """
        fields.texts("packages")
        return cls(
            name=name,
            path=fields.path,
            department=department,
            title=fields.text("title"),
            description=fields.text("description"),
            maintainers=tuple(fields.items("maintainers")),
            extra=fields.rest(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFile:
    """What ``PACKAGE.yaml`` says."""

    purpose: str | None
    members: tuple[Member, ...]
    record: Record
    zip: ZipSource | None = None

    @classmethod
    def from_fields(cls, fields: Fields) -> PackageFile:
        """Read ``PACKAGE.yaml``: a record with a purpose and members."""
        purpose = fields.text("purpose")
        members = take_members(fields)
        said = fields.peek("zip") is not None
        archive = ZipSource.from_fields(fields.inner("zip")) if said else None
        fields.take("zip")
        record = Record.from_fields(fields)
        return cls(purpose=purpose, members=members, record=record, zip=archive)


def take_members(fields: Fields) -> tuple[Member, ...]:
    """Take the field `members`: a list of mappings, or a mapping of datasets to paths."""
    if isinstance(fields.peek("members"), dict):
        members = Fields(fields.mapping("members"), fields.path, (*fields.keys, "members"))
        return tuple(_short_member(members, name) for name in list(members.rest()))
    return tuple(_member(each) for each in fields.mappings("members"))


def _short_member(members: Fields, dataset: str) -> Member:
    path = members.text(dataset)
    if path is None:
        raise members.error(dataset, "must say the path in the package")
    return Member(dataset, _checked(members, dataset, path))


def _member(fields: Fields) -> Member:
    dataset, path, part = fields.text("dataset"), fields.text("path"), fields.text("part")
    version = fields.take("version")
    if dataset is None or path is None:
        raise fields.error("dataset" if dataset is None else "path", "is missing")
    if version is not None and type(version) not in (int, str):
        raise fields.misfit("version", "a version", version)
    if part is not None:
        _checked(fields, "part", part.replace("*", "_").replace("?", "_"))
    return Member(dataset, _checked(fields, "path", path), part, version)


def _checked(fields: Fields, name: str, path: str) -> str:
    try:
        check_path(path)
    except ValueError as error:
        raise fields.error(name, f"is {path[:80]!a}, which {error}") from error
    return path
