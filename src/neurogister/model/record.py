"""What a registry says about a dataset beside its pointer: its record."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from neurogister.errors import UsageError

from .identifier import Identifier
from .ledger import Version as Version  # a part of the record, so it may be imported from here
from .ledger import known, take_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .fields import Fields

STATUSES = ("active", "deprecated", "withdrawn")
FIELDS = (
    "id", "version", "versions", "dtype", "title", "description", "license", "created_by",
    "created_on", "metadata", "derived_from", "locations", "former_names", "status", "withdrawn",
)  # fmt: skip
"""The fields of a record, in their usual order."""


@dataclass(frozen=True, slots=True)
class Location:
    """One archive, and one address in it.

    Parameters
    ----------
    archive : str
        Its name.
    address : str, optional
        Where in the archive; without it, the place that the archive gives by itself.
    """

    archive: str
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """The tombstone of a withdrawn dataset: when, why and who."""

    date: str | None = None
    by: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What people and programs say about a dataset.

    Parameters
    ----------
    id : Identifier, optional
        Old pointers may have none.
    version : int or str, optional
        The newest version.
    versions : tuple of Version
        The ledger: all versions, oldest first.
    dtype, title, description, license, created_by, created_on : str, optional
        A missing licence is that of the collection.
    metadata : mapping
        Free keys and values.
    derived_from : tuple of str
        What it was made from: identifiers or addresses.
    locations : tuple of Location
        Where it is kept, besides the registry's own remote.
    former_names : tuple of str
        What it was called before it was renamed.
    status : {'active', 'deprecated', 'withdrawn'}
    withdrawn : Withdrawal, optional
        Why it is no longer served.
    extra : mapping
        Fields that this version of neurogister does not know.
    """

    id: Identifier | None = None
    version: int | str | None = None
    versions: tuple[Version, ...] = ()
    dtype: str | None = None
    title: str | None = None
    description: str | None = None
    license: str | None = None
    created_by: str | None = None
    created_on: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    derived_from: tuple[str, ...] = ()
    locations: tuple[Location, ...] = ()
    former_names: tuple[str, ...] = ()
    status: str = "active"
    withdrawn: Withdrawal | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, fields: Fields) -> Record:
        """Read a record.

        Raises
        ------
        InvalidFileError
            If a field has the wrong type. Fields that are not known are kept in `extra`.
        """
        return cls(
            id=_take_identifier(fields),
            version=take_version(fields),
            versions=tuple(Version.from_fields(each) for each in fields.mappings("versions")),
            dtype=fields.text("dtype"),
            title=fields.text("title"),
            description=fields.text("description"),
            license=fields.text("license"),
            created_by=fields.text("created_by"),
            created_on=fields.text("created_on"),
            metadata=fields.mapping("metadata"),
            derived_from=fields.texts("derived_from"),
            locations=_take_locations(fields),
            former_names=fields.texts("former_names"),
            status=fields.choice("status", STATUSES) or "active",
            withdrawn=_take_withdrawal(fields),
            extra=fields.rest(),
        )

    def find_version(self, version: int | str) -> Version | None:
        """Find a version in the ledger by its number, as a number or text."""
        wanted = str(version)
        return next((each for each in self.versions if str(each.version) == wanted), None)

    def with_version(self, version: Version) -> Record:
        """Return the record with one more version in its ledger, as the newest."""
        return replace(self, version=version.version, versions=(*self.versions, version))

    def as_mapping(self) -> dict[str, Any]:
        """Return what a file says of it, in the usual order, without what is not known."""
        fields = known(
            id=None if self.id is None else str(self.id),
            version=self.version,
            versions=[each.as_mapping() for each in self.versions] or None,
            dtype=self.dtype,
            title=self.title,
            description=self.description,
            license=self.license,
            created_by=self.created_by,
            created_on=self.created_on,
            metadata=dict(self.metadata) or None,
            derived_from=list(self.derived_from) or None,
            locations=[known(archive=it.archive, address=it.address) for it in self.locations]
            or None,
            former_names=list(self.former_names) or None,
            status=self.status,
            withdrawn=_tombstone(self.withdrawn),
        )
        return {**fields, **self.extra}


def _take_identifier(fields: Fields) -> Identifier | None:
    text = fields.text("id")
    if text is None:
        return None
    try:
        return Identifier.parse(text)
    except UsageError as error:
        raise fields.error("id", f"is wrong: {error.message}", hint=error.hint) from error


def _take_locations(fields: Fields) -> tuple[Location, ...]:
    locations = []
    for each in fields.mappings("locations"):
        archive = each.text("archive")
        if archive is None:
            raise each.error("archive", "is missing")
        locations.append(Location(archive, each.text("address")))
    return tuple(locations)


def _take_withdrawal(fields: Fields) -> Withdrawal | None:
    if fields.peek("withdrawn") is None:
        return None
    inner = fields.inner("withdrawn")
    return Withdrawal(date=inner.text("date"), by=inner.text("by"), reason=inner.text("reason"))


def _tombstone(withdrawn: Withdrawal | None) -> dict[str, Any] | None:
    if withdrawn is None:
        return None
    return known(date=withdrawn.date, by=withdrawn.by, reason=withdrawn.reason)
