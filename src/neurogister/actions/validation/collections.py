"""Collections: every dataset lies in one that says what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import NeurogisterError
from ...registry.layout import COLLECTION, COLLECTION_FILE, DATA, POINTER, RESOURCE, collection_of
from ..vendors import check_name
from .reading import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...model.finding import Finding
    from .submission import FileChange, Submission


def check_collections(submission: Submission) -> Iterator[Finding]:
    """Check the collections of datasets that are added, and those that are new or removed."""
    known = {collection_of(path) for path in submission.base_tree if path.startswith(DATA)}
    first: dict[str, FileChange] = {}
    for change in submission.changes:
        if change.kind not in (POINTER, RESOURCE, COLLECTION) or not change.path.startswith(DATA):
            continue
        name = collection_of(change.path)
        is_removed = change.mode is None
        if name is None and not is_removed and change.old_mode is None:
            yield from _missing(submission, change, "lies in no collection")
        elif name is not None and _matters(submission, change, name):
            first.setdefault(name, change)
    for name, change in first.items():
        if f"{DATA}{name}/{COLLECTION_FILE}" not in submission.tree:
            what = f"{DATA}{name}/{COLLECTION_FILE} is missing"
            yield from _missing(submission, change, what)
        if name not in known:
            try:
                check_name(name, "a collection")
            except NeurogisterError as error:
                yield finding("collection-name", change, str(error), offending=name)


def _matters(submission: Submission, change: FileChange, name: str) -> bool:
    """Tell whether a change adds to a collection, or takes its file away and leaves others."""
    if change.mode is not None:
        return change.old_mode is None
    return change.kind == COLLECTION and any(
        path.startswith(f"{DATA}{name}/") and path.endswith(".dvc") for path in submission.tree
    )


def _missing(submission: Submission, change: FileChange, what: str) -> Iterator[Finding]:
    """Datasets of older registries may lie anywhere; new ones have a collection."""
    severity = "warning" if submission.base is None else "error"
    yield finding("collection-file", change, what, severity=severity)
