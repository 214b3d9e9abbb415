"""Manifests: git must know what is in a folder, and the same that the pointer says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...model.clashes import find_clashes
from ...model.listing import listing_md5, listing_sha256
from ...model.manifest import read_rows
from ...model.pointer import SUFFIX
from ...registry.layout import (
    MANIFEST,
    MANIFEST_SUFFIX,
    POINTER,
    YAML_SUFFIX,
    is_package_place,
    place_of,
)
from .reading import finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...model.finding import Finding
    from ...model.listing import Entry
    from ...model.pointer import Pointer
    from .reading import Document
    from .submission import Submission

_MOST = 20  # of one kind in a file: the rest is the same again
_BATCH = 200  # manifests in memory at once


def check_manifests(submission: Submission) -> Iterator[Finding]:
    """Check the manifests of folders that are added or changed, and that there are any."""
    places = sorted(
        {
            place_of(each.path) if each.kind == POINTER else each.path.removesuffix(MANIFEST_SUFFIX)
            for each in submission.changes
            if each.kind in (POINTER, MANIFEST)
        }
    )
    for start in range(0, len(places), _BATCH):
        batch = [f"{place}{MANIFEST_SUFFIX}" for place in places[start : start + _BATCH]]
        submission.prefetch(batch)
        for path in batch:
            yield from _manifest(submission, path)
        submission.forget(batch)


def _manifest(submission: Submission, path: str) -> Iterator[Finding]:
    place = path.removesuffix(MANIFEST_SUFFIX)
    document = submission.document(f"{place}{SUFFIX}")
    pointer = None if document is None or document.error else document.pointer()
    data = submission.manifest(path)
    if data is None:
        if path not in submission.tree and document is not None and pointer is not None:
            yield from _missing(submission, path, document, pointer)
        return
    rows, faults = read_rows(data)
    yield from _rows(path, data, rows, faults, _needed(submission, place))
    if document is None:
        if f"{place}{YAML_SUFFIX}" not in submission.tree or is_package_place(place):
            yield finding("manifest-alone", path, f"there is no {place}{SUFFIX} that it belongs to")
    elif pointer is not None and not pointer.is_dir:
        yield finding("manifest-alone", path, f"{document.path} is of a single file")
    elif pointer is not None and not faults:
        entries = [entry for _, entry in rows]
        yield from _agrees(submission, path, entries, document, pointer)
        yield from _unchanged(submission, path, rows, document, pointer)


def _missing(
    submission: Submission, path: str, document: Document, pointer: Pointer
) -> Iterator[Finding]:
    """New content of a folder needs a manifest; what was there before may have none."""
    if not pointer.is_dir or is_package_place(place_of(document.path)):
        return  # of packages, `packages` tells
    change, gone = submission.by_path.get(document.path), submission.by_path.get(path)
    was_there = gone is not None and gone.old_oid is not None
    old = submission.old_document(change) if change is not None else None
    before = old.pointer() if old is not None and old.error is None else None
    same = (before is not None and before.digest == pointer.digest) or change is None
    if submission.base is not None and (was_there or not same):
        yield finding("manifest-missing", document, f"{path} is missing")
    elif submission.base is None and document.record() is not None:
        yield finding("manifest-missing", document, f"{path} is missing", severity="warning")


def _needed(submission: Submission, place: str) -> list[str]:
    """List what each row must tell: all digests of the policy, for data that is new here."""
    known = ["md5", "size"]
    if submission.base is None or is_package_place(place):
        return known  # older data, and packages of it, may have md5 only
    return known + [each for each in submission.info.policy.digests if each == "sha256"]


def _rows(
    path: str,
    data: bytes,
    rows: Sequence[tuple[int, Entry]],
    faults: Sequence[tuple[int, str]],
    needed: Sequence[str],
) -> Iterator[Finding]:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        yield finding("manifest-row", path, f"line {line} is not UTF-8", line=line)
    for line, reason in faults[:_MOST]:
        yield finding("manifest-row", path, f"line {line} {reason}", line=line, fixable=False,
                      offending=_line(data, line))  # fmt: skip
    unknown = [(line, what) for line, entry in rows if (what := _unknown(entry, needed))]
    for line, what in unknown[:_MOST]:
        yield finding("manifest-row", path, f"line {line} does not tell the {what} of the file",
                      line=line, offending=_line(data, line))  # fmt: skip
    clashes = find_clashes((entry.path, f"line {line}") for line, entry in rows)
    for owner, other, why in clashes[:_MOST]:
        yield finding("manifest-row", path, f"{owner} and {other}: {why}",
                      line=int(owner.removeprefix("line ")))  # fmt: skip
    paths = [entry.path for _, entry in rows]
    if not clashes and not faults and (paths != sorted(paths) or b"\r" in data):
        what = "is not sorted by path" if paths != sorted(paths) else "has line ends of Windows"
        yield finding("manifest-form", path, what)


def _unknown(entry: Entry, needed: Sequence[str]) -> str | None:
    """Return what a row does not tell; the size may be 0."""
    return next((name for name in needed if getattr(entry, name) in (None, "")), None)


def _line(data: bytes, number: int) -> str | None:
    lines = data.split(b"\n", number)
    return lines[number - 1].decode("utf-8", "replace").strip() if len(lines) >= number else None


def _agrees(
    submission: Submission, path: str, entries: list[Entry], document: Document, pointer: Pointer
) -> Iterator[Finding]:
    """The listing that a manifest makes is the one that the pointer, and the ledger, name."""
    unique = list({entry.path: entry for entry in entries}.values())
    md5 = listing_md5(unique)
    if md5 != pointer.md5:
        yield finding(
            "manifest-digest", path,
            f"makes a listing with the md5 {md5}.dir, and {document.path} has {pointer.digest}",
            offending=pointer.digest,
        )  # fmt: skip
        return
    if pointer.nfiles is not None and pointer.nfiles != len(unique):
        yield finding(
            "manifest-size", document, f"says that there are {pointer.nfiles:,} files, and"
            f" {path} has {len(unique):,}",
            keys=("outs", 0, "nfiles"), offending=f"nfiles: {pointer.nfiles}",
        )  # fmt: skip
    size = sum(entry.size or 0 for entry in unique)
    if pointer.size is not None and pointer.size != size:
        yield finding(
            "manifest-size", document, f"says that the size is {pointer.size:,}, and the files of"
            f" {path} have {size:,} together",
            keys=("outs", 0, "size"), offending=f"size: {pointer.size}",
        )  # fmt: skip
    said, made = _recorded(submission, document, pointer), listing_sha256(unique)
    if said is not None and made not in (None, said):
        yield finding("manifest-digest", path, f"sums up to the sha256 {made}, and the ledger has"
                      f" {said}", offending=said)  # fmt: skip


def _recorded(submission: Submission, document: Document, pointer: Pointer) -> str | None:
    """Return the sha256 that the ledger has of what the pointer names."""
    place = place_of(document.path)
    holder: Document | None = document
    if is_package_place(place):
        holder = submission.document(f"{place}{YAML_SUFFIX}")
    record = holder.record() if holder is not None and holder.error is None else None
    versions = record.versions if record is not None else ()
    return next((each.sha256 for each in reversed(versions) if each.md5 == pointer.digest), None)


def _unchanged(
    submission: Submission,
    path: str,
    rows: Sequence[tuple[int, Entry]],
    document: Document,
    pointer: Pointer,
) -> Iterator[Finding]:
    """What was known of the files stays as it was, as long as the content is the same."""
    change = submission.by_path.get(path)
    if change is None or change.old_oid is None:
        return
    pointer_change = submission.by_path.get(document.path)
    old = submission.old_document(pointer_change) if pointer_change is not None else document
    before = old.pointer() if old is not None and old.error is None else None
    data = submission.content(change.old_oid, limit=1 << 28)
    if before is None or before.digest != pointer.digest or data is None:
        return
    known = {entry.path: entry for _, entry in read_rows(data)[0]}
    told = 0
    for line, entry in rows:
        was = known.get(entry.path)
        if was is not None and was.md5 == entry.md5 and not _keeps(was, entry) and told < _MOST:
            told += 1
            yield finding(
                "manifest-changed", path, f"line {line} says other things of {entry.path!r} than"
                " before, and the content is the same", line=line,
            )  # fmt: skip


def _keeps(was: Entry, now: Entry) -> bool:
    """Tell whether all that was known of a file is said still."""
    return all(
        getattr(was, name) in (None, getattr(now, name)) for name in ("size", "sha256", "sha1")
    )
