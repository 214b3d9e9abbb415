"""What a submission is about, for those who review it: datasets and packages, and other files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...model.contribution import ADDED, CHANGED, DATASET, REMOVED, Contribution
from ...model.contribution import PACKAGE as PACKAGED
from ...registry.layout import (
    COLLECTION_FILE,
    DATA,
    MANIFEST,
    PACKAGE,
    POINTER,
    RESOURCE,
    STORE,
    collection_of,
    place_of,
)

if TYPE_CHECKING:
    from .reading import Document
    from .submission import FileChange, Submission

_KINDS = (POINTER, RESOURCE, PACKAGE)


def list_submitted(submission: Submission) -> tuple[list[Contribution], list[str]]:
    """Tell what a submission adds, changes and removes.

    Returns
    -------
    list of Contribution
        Datasets and packages, by their names.
    list of str
        Other files, but for those that go with a dataset: manifests and ``.gitignore``.
    """
    submission.prefetch(each.path for each in submission.changes if each.kind in _KINDS)
    places: dict[str, list[FileChange]] = {}
    others = []
    for each in submission.changes:
        if each.kind in _KINDS and each.path.startswith((DATA, STORE)):
            places.setdefault(place_of(each.path), []).append(each)
        elif not _goes_along(each):
            others.append(each.path)
    return [_submitted(submission, place, places[place]) for place in sorted(places)], others


def _goes_along(change: FileChange) -> bool:
    in_place = change.path.startswith((DATA, STORE))
    return in_place and (change.kind == MANIFEST or change.path.endswith("/.gitignore"))


def _submitted(submission: Submission, place: str, changes: list[FileChange]) -> Contribution:
    documents = [
        found
        for each in sorted(changes, key=lambda each: each.kind == POINTER)
        if (found := submission.document(each.path) or submission.old_document(each)) is not None
    ]
    kind = DATASET if place.startswith(DATA) else PACKAGED
    values = _values(documents)
    if kind == DATASET and values.get("license") is None:
        values["license"] = _inherited(submission, place)
    return Contribution(
        kind=kind,
        change=_change(submission, place, changes),
        name=place.partition("/")[2],
        **values,  # type: ignore[arg-type] # by their names, each of its own type
    )


def _change(submission: Submission, place: str, changes: list[FileChange]) -> str:
    """Tell what becomes of it: a dataset whose pointer gives way to a tombstone is changed."""
    before = any(each.old_oid is not None for each in changes)
    there = any(f"{place}{suffix}" in submission.tree for suffix in (".dvc", ".yaml"))
    if not there:
        return REMOVED
    return CHANGED if before else ADDED


def _values(documents: list[Document]) -> dict[str, object]:
    """Return what files say, as far as they can be read; the first that says it is believed."""
    values: dict[str, object] = {}
    for document in documents:
        record, pointer = document.record(), document.pointer()
        newest = record.versions[-1] if record is not None and record.versions else None
        said = {
            "id": record and record.id and str(record.id),
            "version": str(newest.version) if newest else record and record.version,
            "dtype": record and record.dtype,
            "license": record and record.license,
            "title": record and record.title,
            "size": pointer.size if pointer else newest and newest.size,
            "nfiles": pointer.nfiles if pointer else newest and newest.nfiles,
        }
        for name, value in said.items():
            if values.get(name) is None:
                values[name] = value
    if values.get("version") is not None:
        values["version"] = str(values["version"])
    return values


def _inherited(submission: Submission, place: str) -> str | None:
    collection = collection_of(place)
    document = submission.document(f"{DATA}{collection}/{COLLECTION_FILE}")
    if document is None or not isinstance(document.value, dict):
        return None
    license_ = document.value.get("license")
    return license_ if isinstance(license_, str) else None
