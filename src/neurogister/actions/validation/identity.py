"""Identifiers: unique in all of history, whatever the case; never given again, never taken away.

They are compared by themselves, not by paths and not by what git takes for a rename: with the tip
of the base for what is taken, and with all of its history for what ever was.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ...registry.layout import (
    PACKAGE,
    POINTER,
    STORE,
    YAML_LIMIT,
    is_package_place,
    place_of,
)
from ...registry.usedids import gives, is_plain
from .lookalikes import identifier_skeleton
from .reading import finding
from .submission import WITH_RECORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...model.finding import Finding
    from .reading import Document
    from .submission import FileChange, Submission


class Given:
    """Which identifiers the base gave away; found without reading YAML, and then made sure of.

    Parameters
    ----------
    submission : Submission
        Whose base it is.
    """

    def __init__(self, submission: Submission) -> None:
        self._submission = submission
        self._files: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._looks: dict[str, list[str]] = defaultdict(list)
        for key, oid, path in submission.given:
            self._files[key].append((oid, path))
        for key in self._files:
            self._looks[identifier_skeleton(key)].append(key)

    def now(self, key: str) -> list[str]:
        """Return the files of the base's tip that have an identifier."""
        tree = self._submission.base_tree
        return [
            path
            for oid, path in self._files.get(key, ())
            if path in tree and tree[path].oid == oid and self._really(oid, key)
        ]

    def ever(self, key: str) -> str | None:
        """Return a file of the base's history that had an identifier; None if there was none."""
        files = self._files.get(key, ())
        return next((path for oid, path in files if self._really(oid, key)), None)

    def like(self, key: str) -> str | None:
        """Return an identifier that looks the same and is another one."""
        others = self._looks.get(identifier_skeleton(key), ())
        return next((each for each in others if each != key and self.ever(each)), None)

    def _really(self, oid: str, key: str) -> bool:
        data = self._submission.content(oid, limit=YAML_LIMIT)
        return data is None or gives(data, key)


def check_identity(submission: Submission) -> Iterator[Finding]:
    """Check the identifiers of what is added, changed and removed."""
    by_key: dict[str, list[Document]] = defaultdict(list)
    for document in submission.documents(*WITH_RECORDS):
        if document.id is not None:
            by_key[document.id].append(document)
            if not is_plain(document.data, document.id):
                yield finding("id-form", document, "has an identifier with escapes or a line break",
                              keys=_keys(document), offending=_id(document))  # fmt: skip
        elif (missing := _missing(submission, document)) is not None:
            yield missing
    yield from _removed(submission, set(by_key))
    fresh = {key: holders for key, holders in by_key.items() if _is_fresh(submission, key, holders)}
    for key, holders in by_key.items():
        yield from _twice(key, holders)
    given = Given(submission) if fresh and submission.base is not None else None
    looks: dict[str, str] = {}
    for key, holders in fresh.items():
        if given is not None:
            yield from _taken(submission, key, holders, given)
        other = looks.setdefault(identifier_skeleton(key), key)
        like = other if other != key else given.like(key) if given is not None else None
        if like is not None:
            yield finding(
                "id-lookalike", holders[0],
                f"the identifier {_id(holders[0])!r} looks like {like!r}",
                keys=_keys(holders[0]), offending=f"id: {_id(holders[0])}",
            )  # fmt: skip


def _is_fresh(submission: Submission, key: str, holders: list[Document]) -> bool:
    """Tell whether a file has an identifier that it did not have before."""
    for document in holders:
        change = submission.by_path[document.path]
        old = submission.old_document(change)
        if old is None or old.id != key:
            return True
    return False


def _missing(submission: Submission, document: Document) -> Finding | None:
    """A new dataset has an identifier; older ones, and packages, may have none."""
    place = place_of(document.path)
    if is_package_place(place) or document.kind == PACKAGE:
        return None
    if submission.by_path[document.path].old_oid is not None and submission.base is not None:
        return None
    return finding("id-missing", document, "has no identifier", keys=("meta", "neurogister"))


def _twice(key: str, holders: list[Document]) -> Iterator[Finding]:
    first, *others = holders
    for other in others:
        yield finding(
            "id-taken", other, f"the identifier {key!r} is given twice: {first.path} has it too",
            keys=_keys(other), offending=f"id: {_id(other)}",
        )  # fmt: skip


def _taken(
    submission: Submission, key: str, holders: list[Document], given: Given
) -> Iterator[Finding]:
    document = holders[0]
    now = given.now(key)
    for path in now:
        if path in submission.tree and not _is_left(submission, path, key):
            yield finding(
                "id-taken", document, f"the identifier {key!r} is that of {path}",
                keys=_keys(document), offending=f"id: {_id(document)}",
            )  # fmt: skip
            return
    if not now and (former := given.ever(key)) is not None:
        yield finding(
            "id-reused", document, f"the identifier {key!r} was that of {former} once",
            keys=_keys(document), offending=f"id: {_id(document)}",
        )  # fmt: skip


def _is_left(submission: Submission, path: str, key: str) -> bool:
    """Tell whether the file of the base that had an identifier no longer has it."""
    change = submission.by_path.get(path)
    if change is None:
        return False
    document = submission.document(path) if change.is_file else None
    return document is None or document.id != key


def _removed(submission: Submission, kept: set[str]) -> Iterator[Finding]:
    """Find datasets that are gone: their identifiers must stay, if need be with a tombstone."""
    if submission.base is None:
        return
    paths = [each for each in submission.changes if each.kind in WITH_RECORDS and each.old_oid]
    submission.read((each.old_oid for each in paths if each.old_oid), limit=YAML_LIMIT)
    for change in paths:
        old = submission.old_document(change)
        if old is None or old.id in kept:
            continue
        if old.id is not None:
            new = submission.document(change.path) if change.is_file else None
            verb = "changed" if new is not None and new.id is not None else "removed"
            yield finding(
                f"id-{verb}", change, f"the identifier {old.id!r} was {verb}",
                offending=f"id: {old.id}",
            )  # fmt: skip
        elif is_package_place(place_of(change.path)):
            yield from _package_removed(submission, change, old)
        elif change.mode is None:
            yield finding(
                "dataset-removed", change, "a dataset was removed, and nothing says that it was"
            )


def _package_removed(
    submission: Submission, change: FileChange, old: Document
) -> Iterator[Finding]:
    """A package that was released stays, in whichever department its vendor is."""
    place = place_of(change.path)
    if change.mode is not None or (change.kind == PACKAGE and not _is_released(old)):
        return
    if change.kind == POINTER and f"{place}.yaml" in submission.base_tree:
        return  # its own file tells
    name = "/".join(["", *place.split("/")[-2:]]) + change.path[len(place) :]
    if not any(path.endswith(name) and path.startswith(STORE) for path in submission.tree):
        yield finding("dataset-removed", change, "a released package was removed")


def _is_released(old: Document) -> bool:
    return old.error is None and isinstance(old.value, dict) and bool(old.value.get("versions"))


def _id(document: Document) -> str:
    block, _ = document.record_block()
    return str(block.get("id"))


def _keys(document: Document) -> tuple[str, ...]:
    _, keys = document.record_block()
    return (*(str(key) for key in keys), "id")
