"""Ledgers: versions are only added, and the last one is what the pointer says now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...model.ledger import is_semantic_version, semantic_rank
from ...model.record import Record
from ...registry.layout import PACKAGE, POINTER, YAML_LIMIT, is_package_place, place_of
from .reading import finding
from .submission import WITH_RECORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...model.finding import Finding
    from ...model.ledger import Version
    from ...model.pointer import Pointer
    from .reading import Document
    from .submission import Submission


def check_ledgers(submission: Submission) -> Iterator[Finding]:
    """Check the ledgers of what is added and changed, by identifier or else by place."""
    before = _before(submission)
    for document in submission.documents(*WITH_RECORDS):
        record = document.record()
        if record is None:
            if document.kind == POINTER:
                yield from _bare(submission, document)
            continue
        yield from _order(document, record)
        old = before.get(_key(document))
        if old is not None and (old_record := old.record()) is not None:
            yield from _appended(document, record, old_record)
            yield from _status(document, record, old_record)
        if document.kind == POINTER and (pointer := document.pointer()) is not None:
            yield from _current(document, record, pointer)
            yield from _first_ledger(submission, document, record, old)
        if submission.info.policy.immutable and len(record.versions) > 1:
            yield from _immutable(document, old)
    yield from _packages(submission)


def _key(document: Document) -> str:
    """Return what a ledger belongs to: the identifier, or the place where there is none."""
    place = place_of(document.path)
    if is_package_place(place):
        place = "/".join(place.split("/")[-2:])  # its department may change
    return document.id or f"/{document.kind}/{place}"


def _before(submission: Submission) -> dict[str, Document]:
    """Return the files with records that the submission changes or removes, as they were."""
    changes = [each for each in submission.changes if each.kind in WITH_RECORDS and each.old_oid]
    submission.read((each.old_oid for each in changes if each.old_oid), limit=YAML_LIMIT)
    found: dict[str, Document] = {}
    for change in changes:
        old = submission.old_document(change)
        if old is not None and old.error is None:
            found[_key(old)] = old
    return found


def _versions_keys(document: Document) -> tuple[Any, ...]:
    _, keys = document.record_block()
    return (*keys, "versions")


def _appended(document: Document, record: Record, old: Record) -> Iterator[Finding]:
    keys = _versions_keys(document)
    for number, version in enumerate(old.versions):
        new = record.versions[number] if number < len(record.versions) else None
        if new is None:
            yield finding(
                "ledger-rewritten", document, f"version {version.version} is gone from the ledger",
                keys=keys,
            )  # fmt: skip
        elif new != version:
            yield finding(
                "ledger-rewritten", document, f"version {version.version} was changed:"
                f" {_difference(version, new)}",
                keys=(*keys, number),
            )  # fmt: skip


def _difference(old: Version, new: Version) -> str:
    before, after = old.as_mapping(), new.as_mapping()
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return ", ".join(f"{name} {before.get(name)!r} → {after.get(name)!r}" for name in names[:3])


def _order(document: Document, record: Record) -> Iterator[Finding]:
    """Datasets count 1, 2, 3 …; versions of packages are semantic, and only go up."""
    is_package = document.kind == PACKAGE or is_package_place(place_of(document.path))
    keys = _versions_keys(document)
    for number, version in enumerate(record.versions):
        value = version.version
        if is_package:
            earlier = record.versions[number - 1].version if number else None
            if not isinstance(value, str) or not is_semantic_version(value):
                message = f"{value!r} is no semantic version"
            elif isinstance(earlier, str) and semantic_rank(value) <= semantic_rank(earlier):
                message = f"{value} is not greater than {earlier}"
            else:
                continue
        elif value == number + 1:
            continue
        else:
            message = f"version {value!r} stands where {number + 1} should be"
        yield finding(
            "ledger-order", document, message,
            keys=(*keys, number, "version"), offending=f"version: {value}",
        )  # fmt: skip


def _current(document: Document, record: Record, pointer: Pointer) -> Iterator[Finding]:
    if is_package_place(place_of(document.path)):
        return  # the ledger is in the package's own file: `_packages`
    if not record.versions:
        yield finding("ledger-current", document, "has no ledger of versions",
                      keys=_versions_keys(document))  # fmt: skip
        return
    last = record.versions[-1]
    if record.version is not None and record.version != last.version:
        yield finding(
            "ledger-current", document,
            f"calls itself version {record.version}, and the last one is {last.version}",
            keys=(*_versions_keys(document)[:-1], "version"),
            offending=f"version: {record.version}",
        )  # fmt: skip
    yield from _same_content(document, last, pointer, document)


def _same_content(
    document: Document, last: Version, pointer: Pointer, pointer_document: Document
) -> Iterator[Finding]:
    said = {"md5": (pointer.digest, last.md5), "size": (pointer.size, last.size),
            "nfiles": (pointer.nfiles, last.nfiles)}  # fmt: skip
    for name, (of_pointer, of_ledger) in said.items():
        if of_ledger is not None and of_pointer != of_ledger:
            yield finding(
                "ledger-current", pointer_document,
                f"its {name} is {of_pointer}, and the last version in the ledger of"
                f" {document.path} has {of_ledger}",
                keys=("outs", 0, name), offending=f"{name}: {of_pointer}",
            )  # fmt: skip


def _packages(submission: Submission) -> Iterator[Finding]:
    """A package's pointer stands for the last version in its own file."""
    places = {
        place_of(each.path)
        for each in submission.changes
        if each.kind in (PACKAGE, POINTER) and is_package_place(place_of(each.path))
    }
    for place in sorted(places):
        file = submission.document(f"{place}.yaml")
        document = submission.document(f"{place}.dvc")
        if file is None or file.error is not None or file.kind != PACKAGE:
            continue
        record = file.record()
        if record is None:
            continue
        pointer = None if document is None or document.error else document.pointer()
        if record.versions and document is None:
            yield finding("ledger-current", file, f"was released, and {place}.dvc is missing")
        elif pointer is not None and document is not None and not record.versions:
            yield finding("ledger-current", document, f"{place}.yaml has no released version")
        elif pointer is not None and document is not None:
            yield from _same_content(file, record.versions[-1], pointer, document)


def _bare(submission: Submission, document: Document) -> Iterator[Finding]:
    """Content without a ledger must not change: nobody could tell which of the two was meant."""
    change = submission.by_path[document.path]
    old = submission.old_document(change)
    if old is None or is_package_place(place_of(document.path)):
        return
    if old.record() is not None:
        if document.record_block()[0]:
            return  # it is broken; `documents` tells of it
        yield finding("ledger-rewritten", document, "the whole record is gone")
        return
    was, now = old.pointer(), document.pointer()
    if was is not None and now is not None and was.digest != now.digest:
        yield finding(
            "content-changed", document, "has other content now, and no ledger tells both versions",
            keys=("outs", 0, "md5"), offending=f"md5: {now.digest}",
        )  # fmt: skip


def _first_ledger(
    submission: Submission, document: Document, record: Record, old: Document | None
) -> Iterator[Finding]:
    """A ledger that is begun must begin with what was published without one."""
    if old is not None and (old_record := old.record()) is not None and old_record.versions:
        return
    if is_package_place(place_of(document.path)):
        return  # the ledger is in the own file of the package
    old = old or submission.old_document(submission.by_path[document.path])
    was = old.pointer() if old is not None and old.kind == POINTER else None
    if was is not None and was.digest not in {each.md5 for each in record.versions}:
        yield finding(
            "content-changed", document, "has other content now than before it had a ledger",
            keys=("outs", 0, "md5"), offending=f"md5 before: {was.digest}",
        )  # fmt: skip


def _status(document: Document, record: Record, old: Record) -> Iterator[Finding]:
    if old.status == "withdrawn" and record.status != "withdrawn":
        yield finding(
            "withdrawal-undone", document, "was withdrawn, and is not any more",
            keys=(*_versions_keys(document)[:-1], "status"), offending=f"status: {record.status}",
        )  # fmt: skip


def _immutable(document: Document, old: Document | None) -> Iterator[Finding]:
    before = old.record() if old is not None else None
    record = document.record()
    if record is not None and before is not None and len(record.versions) > len(before.versions):
        yield finding(
            "immutable", document, "has a second version, which the policy of the registry forbids",
            keys=(*_versions_keys(document), len(record.versions) - 1),
        )  # fmt: skip
