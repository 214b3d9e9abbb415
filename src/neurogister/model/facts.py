"""What a dataset can be found by: its fields, its metadata and its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .package import Package
from .words import searchable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .dataset import Collection, Dataset

Value = str | int | float | bytes | None

# The fields that have one value, and those that may have several.
SINGLE = (
    "name", "id", "title", "dtype", "license", "created_by", "created_on", "version", "size",
    "nfiles", "collection", "status", "kind",
)  # fmt: skip
DIGESTS = ("md5", "sha1", "sha256", "blake3")
SEVERAL = (*DIGESTS, "archive", "date")
_WORDY = ("name", "id", "title", "dtype", "license", "created_by")
META = "meta."
"""What stands before the keys of metadata, so that they are never mistaken for fields."""

_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Facts:
    """What one dataset can be found by, without what its collection adds.

    Parameters
    ----------
    place : str
        Where its data lies: of one registry, no other is the same.
    single : dict
        The fields of `SINGLE`; the licence is its own.
    several : list of (str, value)
        The fields of `SEVERAL`, and the metadata with ``meta.`` before each key; each as often as
        it has values.
    text : str
        All its words, as `searchable` gives them. Digests and dates are none.
    """

    place: str
    single: dict[str, Value]
    several: list[tuple[str, Value]]
    text: str

    def values(self, key: str) -> list[Value]:
        """Return the values of a field, or of a key of the metadata."""
        if key in self.single:
            return [self.single[key]] if self.single[key] is not None else []
        return [value for name, value in self.several if name == key]


@dataclass(frozen=True, slots=True)
class Shared:
    """What a collection adds to each of its datasets.

    Parameters
    ----------
    text : str
        Its words: title and keywords.
    license : str, optional
        The licence of datasets without one of their own.
    license_text : str
        The words of that.
    """

    text: str = ""
    license: str | None = None
    license_text: str = ""

    @classmethod
    def of(cls, collection: Collection) -> Shared:
        """Take it from a collection."""
        said = collection.license or None
        return cls(
            searchable([collection.title or "", *collection.keywords]),
            said,
            searchable([said or ""]),
        )


def facts_of(item: Dataset) -> Facts:
    """Gather what a dataset, resource or package can be found by.

    Parameters
    ----------
    item : Dataset
        As the registry shows it; its licence may be that of its collection.
    """
    digests = list(dict.fromkeys(_digests(item)))
    record = item.record
    single = _single(item)
    several: list[tuple[str, Value]] = [*digests]
    texts: list[Any] = [single[name] for name in _WORDY]
    if record is not None:
        metadata = list(_flat(record.metadata, ""))
        dates = (record.created_on, *(each.date for each in record.versions))
        several += [("date", each) for each in dates if each is not None]
        several += [("archive", each.archive) for each in record.locations]
        several += [(f"{META}{key}", value) for key, value in metadata]
        texts.append(record.description)
        texts += [value for _, value in metadata if not isinstance(value, bytes)]
    if isinstance(item, Package):
        texts.append(item.purpose)
    text = searchable(str(each) for each in texts if each is not None)
    return Facts(item.place, single, list(dict.fromkeys(several)), text)


def _single(item: Dataset) -> dict[str, Value]:
    record, pointer = item.record, item.pointer
    return {
        "name": item.name,
        "id": None if item.id is None else str(item.id),
        "title": item.title,
        "dtype": item.dtype,
        "license": (record.license or None) if record else None,
        "created_by": record.created_by if record else None,
        "created_on": record.created_on if record else None,
        "version": plain(item.version),
        "size": item.size,
        "nfiles": (pointer.nfiles if pointer.is_dir else 1) if pointer else None,
        "collection": item.collection,
        "status": item.status,
        "kind": item.kind,
    }


def _digests(item: Dataset) -> Iterator[tuple[str, str]]:
    if item.pointer is not None:
        yield "md5", item.pointer.md5
    for version in item.versions:
        for name in DIGESTS:
            value = getattr(version, name)
            if value is not None:
                yield name, value.removesuffix(".dir")


def _flat(value: Any, key: str) -> Iterator[tuple[str, Value]]:
    """Give each value in metadata with its key; those of a list have the key of the list.

    Of a mapping, a list and null there is one without a value too: the key exists.
    """
    if isinstance(value, dict):
        if key:
            yield key, None
        for name, below in value.items():
            yield from _flat(below, f"{key}.{name}" if key else name)
    elif isinstance(value, list):
        yield key, None
        for below in value:
            yield from _flat(below, key)
    else:
        yield key, plain(value)


def plain(value: Any) -> Value:
    """Return a value as SQLite compares it: numbers of its size, true and false as bytes.

    Parameters
    ----------
    value : str, int, float, bool or None
        As a document has it.
    """
    if value is None or isinstance(value, str | float):
        return value
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, int) and abs(value) > _LARGEST:
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    return value if isinstance(value, int) else str(value)
