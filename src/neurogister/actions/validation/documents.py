"""Each file by itself: YAML that is safe to read, the schema of its kind, what a pointer says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...errors import InvalidFileError, NeurogisterError
from ...model.document import DocumentError
from ...model.fields import Fields
from ...model.package import PackageFile
from ...model.pointer import Pointer
from ...model.record import Record
from ...registry.layout import (
    ARCHIVE,
    COLLECTION,
    PACKAGE,
    POINTER,
    REGISTRY,
    RESOURCE,
    VENDOR,
    is_package_place,
    place_of,
)
from ...registry.schemas import errors_in
from .reading import finding
from .submission import MAINTAINER, changed_paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...model.finding import Finding
    from .reading import Document
    from .submission import Submission

_YAML = (REGISTRY, COLLECTION, VENDOR, PACKAGE, RESOURCE, POINTER, ARCHIVE)
_EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
_PLACE = re.compile(r"\A.*?:(?:\d+:)?(?:\d+:)? ?", re.DOTALL)


def check_documents(submission: Submission) -> Iterator[Finding]:
    """Check each changed YAML file by itself."""
    submission.prefetch(changed_paths(submission, _YAML))
    for path in changed_paths(submission, _YAML):
        document = submission.document(path)
        if document is None:
            continue  # too large; `tree` tells of it
        if document.error is not None:
            yield _of_error("yaml", document, document.error)
            continue
        yield from _contents(document, submission.scope)
        document.release()  # of 100,000, the values would fill the memory


def _contents(document: Document, scope: str) -> Iterator[Finding]:
    problem = _parse(document)
    if problem is not None:
        rule, error = problem
        yield _of_error(rule, document, error)
    # an own record's faults are found by both; the parser tells them better
    said = problem[1].keys if problem and isinstance(problem[1], DocumentError) else None
    for broken in errors_in(document.path, document.value, document.data):
        if said is None or not isinstance(broken, DocumentError) or broken.keys[:1] != said[:1]:
            yield _of_error("schema", document, broken)
    if document.kind == POINTER and problem is None:
        yield from _pointer(document, scope)


def _parse(document: Document) -> tuple[str, InvalidFileError] | None:
    """Read a document as those do who use it."""
    try:
        if document.kind == POINTER:
            Pointer.from_document(document.value, document.path)
        elif isinstance(document.value, dict) and document.kind in (RESOURCE, PACKAGE):
            fields = Fields(document.value, document.path)
            (Record if document.kind == RESOURCE else PackageFile).from_fields(fields)
    except InvalidFileError as error:
        in_record = isinstance(error, DocumentError) and error.keys[:1] == ("meta",)
        rule = "record" if in_record or document.kind != POINTER else "pointer"
        return rule, error
    return None


def _of_error(rule: str, document: Document, error: NeurogisterError) -> Finding:
    if not isinstance(error, DocumentError):
        return finding(rule, document, error.message, fix=error.hint)
    located = error.located(document.data)
    describes = rule == "schema"  # where a parser's hint says what to do
    return finding(
        rule, document, located.reason, line=located.line, column=located.column,
        offending=_line(document.data, located.line),
        right=located.hint if describes else None, fix=None if describes else located.hint,
    )  # fmt: skip


def _line(data: bytes, number: int | None) -> str | None:
    if number is None:
        return None
    lines = data.split(b"\n", number)
    return lines[number - 1].decode("utf-8", "replace").strip() if len(lines) >= number else None


def _pointer(document: Document, scope: str) -> Iterator[Finding]:
    """Be stricter than a reader must be: what others read, DVC among them, must be harmless too."""
    pointer = document.pointer()
    if pointer is None:
        return
    out = document.value["outs"][0]
    base = ("outs", 0)
    for key in sorted(set(document.value) - {"outs", "meta", "desc", "md5"}):
        yield finding(
            "pointer-field", document, f"a pointer of a registry has no {key!r}",
            keys=(key,), offending=key,
        )  # fmt: skip
    if is_package_place(place_of(document.path)) or not pointer.legacy:
        allowed = {"md5", "size", "hash", "path", "nfiles", "desc", "type", "labels", "meta"}
        if scope == MAINTAINER:
            allowed.add("isexec")  # what lies on their own disk, as DVC sees it there
        for key in sorted(set(out) - allowed):
            yield finding(
                "pointer-field", document, f"an output of a registry has no {key!r}",
                keys=(*base, key), offending=f"{key}: {out[key]}",
            )  # fmt: skip
    if pointer.legacy and "hash" not in out:
        yield finding("pointer-legacy", document, "has no `hash: md5`: DVC 2 wrote it", keys=base)
    yield from _sizes(document, pointer)


def _sizes(document: Document, pointer: Pointer) -> Iterator[Finding]:
    base = ("outs", 0)
    if pointer.size is None:
        yield finding("pointer-size", document, "does not say the size", keys=base)
    elif not pointer.is_dir and (pointer.size == 0) != (pointer.md5 == _EMPTY_MD5):
        yield finding(
            "pointer-size", document, "gives an empty file a digest that is not that of nothing"
            if pointer.size == 0 else "gives the digest of nothing to a file that is not empty",
            keys=(*base, "size"), offending=f"size: {pointer.size}",
        )  # fmt: skip
    if pointer.is_dir and pointer.nfiles is None:
        yield finding("pointer-size", document, "does not say how many files it has", keys=base)
    if not pointer.is_dir and pointer.nfiles is not None:
        yield finding(
            "pointer-size", document, "says how many files it has, and is none itself",
            keys=(*base, "nfiles"), offending=f"nfiles: {pointer.nfiles}",
        )  # fmt: skip
