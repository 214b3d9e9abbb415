"""Privacy: nothing in git shows who a person is, unless the policy or a maintainer allows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...model.finding import ERROR, WARNING
from ...model.identifying import is_cleared, sign_in_path, sign_in_text, signs_in_metadata
from ...registry.layout import (
    COLLECTION,
    COLLECTION_FILE,
    DATA,
    MANIFEST,
    PACKAGE,
    POINTER,
    RESOURCE,
    collection_of,
)
from .reading import finding
from .submission import CONTRIBUTOR
from .texts import texts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...model.finding import Finding
    from .reading import Document
    from .submission import Submission

_PROSE = frozenset({"title", "description", "note", "reason", "purpose"})
_MOST = 20  # findings of one manifest


def check_privacy(submission: Submission) -> Iterator[Finding]:
    """Check metadata, texts and paths, as strictly as the policy of the base wants."""
    yield from _clearings(submission)
    severity = severity_of(submission)
    if severity is None:
        return
    for document in submission.documents(POINTER, RESOURCE, PACKAGE, COLLECTION):
        if not cleared(submission, document.path):
            yield from _document(document, severity)
    for change in submission.changes:
        if change.kind is None or not change.is_file or cleared(submission, change.path):
            continue
        if (what := sign_in_path(change.path)) is not None and change.old_oid is None:
            yield finding(
                "identifying-name", change, f"the path has {what}", severity=severity,
                offending=change.path,
            )  # fmt: skip
        if change.kind == MANIFEST:
            yield from _manifest(submission, change.path, severity)


def severity_of(submission: Submission) -> str | None:
    """Return how bad it is that a person can be recognised; None if the policy allows it."""
    return {"refuse": ERROR, "warn": WARNING}.get(submission.info.policy.phi)


def cleared(submission: Submission, path: str) -> bool:
    """Tell whether a maintainer has said of a collection that nobody is recognised by its data."""
    collection = collection_of(path)
    if collection is None:
        return False
    trusted = submission.base is None or submission.scope != CONTRIBUTOR
    tree = submission.tree if trusted else submission.base_tree
    document = submission.document(f"{DATA}{collection}/{COLLECTION_FILE}", tree)
    return document is not None and is_cleared(document.value)


def _clearings(submission: Submission) -> Iterator[Finding]:
    """A contributor cannot clear their own data."""
    if submission.scope != CONTRIBUTOR:
        return
    for document in submission.documents(COLLECTION):
        value = document.value if isinstance(document.value, dict) else {}
        base = submission.document(document.path, submission.base_tree)
        before = base.value.get("phi") if base and isinstance(base.value, dict) else None
        if value.get("phi") not in (None, before):
            yield finding(
                "phi-cleared", document, "says of its own data that it shows nobody",
                keys=("phi",), offending="phi",
            )  # fmt: skip


def _document(document: Document, severity: str) -> Iterator[Finding]:
    block, keys = document.record_block()
    metadata = block.get("metadata")
    if isinstance(metadata, dict):
        for sign in signs_in_metadata(metadata):
            yield finding(
                "identifying-metadata", document, f"the metadata has {sign.what}",
                keys=(*keys, "metadata", *sign.keys), severity=severity,
                offending=".".join(map(str, sign.keys)),
            )  # fmt: skip
    for where, text in texts_of({k: v for k, v in block.items() if k != "metadata"}, keys):
        if where[-1] in _PROSE and where[-1] != text and (what := sign_in_text(text)) is not None:
            yield finding(
                "identifying-metadata", document, f"{where[-1]} has {what}", keys=where,
                severity=severity, offending=str(where[-1]),
            )  # fmt: skip


def _manifest(submission: Submission, path: str, severity: str) -> Iterator[Finding]:
    data = submission.manifest(path)
    if data is None or (b"^" not in data and b"@" not in data):
        return
    told = 0
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        if (what := sign_in_path(line)) is not None and told < _MOST:
            told += 1
            yield finding(
                "identifying-name", path, f"a path in it has {what}", line=number,
                severity=severity, offending=line.rpartition(",")[2],
            )  # fmt: skip
