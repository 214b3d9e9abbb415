"""Datasets as plain values: the shapes of ``--json``, and what listings are made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..model.ledger import as_version
from ..model.package import Package

if TYPE_CHECKING:
    from ..model.dataset import Dataset
    from ..model.listing import Entry
    from ..model.record import Record
    from .describe import Description
    from .selection import Selection


def brief(item: Dataset) -> dict[str, Any]:
    """Return a dataset or package as one row of a listing, in JSON's types."""
    pointer = item.pointer
    shape: dict[str, Any] = {
        "name": item.name,
        "id": None if item.id is None else str(item.id),
        "kind": item.kind,
        "version": item.version,
        "title": item.title,
        "dtype": item.dtype,
        "license": item.license,
        "status": item.status,
        "collection": item.collection,
        "folder": item.is_dir,
        "size": item.size,
        "files": (pointer.nfiles if pointer.is_dir else 1) if pointer else None,
        "md5": pointer.digest if pointer else None,
        "path": item.path,
        "error": item.error,
    }
    if isinstance(item, Package):
        shape |= {"vendor": item.vendor, "department": item.department, "purpose": item.purpose}
    return shape


def full(description: Description) -> dict[str, Any]:
    """Return all that is known of a dataset, in JSON's types."""
    item, selection = description.item, description.selection
    record = item.record
    shape = brief(item)
    if selection is not None:
        shape |= _state(selection, description.files)
    if record is not None:
        shape = dict(record.extra) | shape | _said(record)
    if isinstance(item, Package):
        shape["members"] = [
            {"dataset": each.dataset, "part": each.part, "path": each.path,
             "version": each.version}
            for each in item.members
        ]  # fmt: skip
        shape["zip"] = _zip(description)
        shape["outdated"] = [
            {"dataset": each.dataset, "name": each.name, "status": each.status,
             "released": each.released, "newest": each.newest, "reason": each.reason}
            for each in description.outdated
        ]  # fmt: skip
    shape["content"] = _content(description.files)
    shape["copies"] = {
        "work_tree": None if description.work_tree is None else str(description.work_tree),
        "cache": description.cached,
        "remotes": description.remotes,
    }
    return shape


def _zip(description: Description) -> dict[str, Any] | None:
    """Return the zip archive of the version that is shown."""
    from .outdated import released  # packages only

    version = None if description.selection is None else released(description.selection)
    return None if version is None or version.zip is None else version.zip.as_mapping()


def _said(record: Record) -> dict[str, Any]:
    return {
        "description": record.description,
        "created_by": record.created_by,
        "created_on": record.created_on,
        "derived_from": list(record.derived_from),
        "metadata": dict(record.metadata),
        "versions": [each.as_mapping() for each in record.versions],
        "locations": [
            {"archive": each.archive, "address": each.address} for each in record.locations
        ],
        "former_names": list(record.former_names),
        "withdrawn": _withdrawn(record),
    }


def _withdrawn(record: Record) -> dict[str, Any] | None:
    said = record.withdrawn
    return None if said is None else {"date": said.date, "by": said.by, "reason": said.reason}


def _state(selection: Selection, files: Sequence[Entry] | None) -> dict[str, Any]:
    """Return what is particular to a state of a dataset, or to a part of it."""
    shape: dict[str, Any] = {
        "version": as_version(selection.version) or selection.item.version,
        "part": selection.part,
        "size": selection.size,
        "files": selection.nfiles if selection.is_folder else 1,
        "md5": str(selection.oid),
        "sha256": selection.sha256,
    }
    if selection.part is None:
        return shape
    sizes = [entry.size for entry in files or ()]
    one = files[0] if files and [entry.path for entry in files] == [selection.part] else None
    return shape | {
        "folder": one is None,
        "size": sum(size or 0 for size in sizes) if sizes and None not in sizes else None,
        "files": None if files is None else len(files),
        "md5": one.md5 if one else None,
        "sha256": one.sha256 if one else None,
    }


def _content(files: Sequence[Entry] | None) -> list[dict[str, Any]] | None:
    if files is None:
        return None
    return [
        {"path": each.path, "size": each.size, "md5": each.md5, "sha256": each.sha256}
        for each in files
    ]
