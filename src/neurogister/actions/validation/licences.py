"""Licences: SPDX expressions, there where the policy wants them; a package names its members'."""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING

from ...errors import InvalidFileError
from ...model.fields import Fields
from ...model.package import take_members
from ...model.pointer import SUFFIX
from ...registry.layout import (
    COLLECTION,
    COLLECTION_FILE,
    DATA,
    PACKAGE,
    POINTER,
    RESOURCE,
    YAML_SUFFIX,
    collection_of,
    is_package_place,
    place_of,
)
from .identity import Given
from .reading import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...model.document import Keys
    from ...model.finding import Finding
    from ...model.spdx import License
    from .reading import Document
    from .submission import Submission

_KINDS = (COLLECTION, POINTER, RESOURCE, PACKAGE)


def check_licences(submission: Submission) -> Iterator[Finding]:
    """Check the licences of collections, datasets and packages."""
    licences = _Licences(submission)
    required = submission.info.policy.license_required
    for document in submission.documents(*_KINDS):
        text, keys = _own(document)
        if text is not None:
            yield from _expression(document, text, keys)
        if document.kind == PACKAGE:
            yield from _members(document, text, licences)
        elif required and document.kind == COLLECTION:
            yield from _taken_away(submission, document, text)
        elif required and not is_package_place(place_of(document.path)):
            yield from _missing(document, text, keys, licences)


class _Licences:
    """What is said of the licences of datasets, wherever they are."""

    def __init__(self, submission: Submission) -> None:
        self._submission = submission
        self._places: dict[str, str] | None = None
        self.inherited = cache(self._inherited)

    def _inherited(self, place: str) -> str | None:
        """Return the licence of a dataset's collection."""
        collection = collection_of(place)
        if collection is None:
            return None
        document = self._submission.document(f"{DATA}{collection}/{COLLECTION_FILE}")
        return None if document is None else _own(document)[0]

    def of(self, dataset: str) -> str | None:
        """Return the licence of a dataset by its identifier or name; None if none is found."""
        tree = self._submission.tree
        place = f"{DATA}{dataset.removeprefix(DATA)}"
        path = next((f"{place}{end}" for end in (SUFFIX, YAML_SUFFIX) if place + end in tree), None)
        path = path or self._by_identifier(dataset)
        document = None if path is None else self._submission.document(path)
        if document is None:
            return None
        return _own(document)[0] or self.inherited(place_of(document.path))

    def _by_identifier(self, identifier: str) -> str | None:
        if self._places is None:
            documents = self._submission.documents(POINTER, RESOURCE)
            self._places = {each.id: each.path for each in documents if each.id is not None}
        key = identifier.lower()
        if key in self._places or self._submission.base is None:
            return self._places.get(key)
        return next(iter(self._given.now(key)), None)

    @cached_property
    def _given(self) -> Given:
        return Given(self._submission)


def _own(document: Document) -> tuple[str | None, Keys]:
    block, keys = document.record_block()
    text = block.get("license")
    return (text if isinstance(text, str) else None), (*keys, "license")


def _parsed(text: str | None) -> License | None:
    from ...model.spdx import LicenseError, parse_license  # 50 ms, only where there is one

    try:
        return None if text is None else parse_license(text)
    except LicenseError:
        return None


def _expression(document: Document, text: str, keys: Keys) -> Iterator[Finding]:
    from ...model.spdx import LicenseError, parse_license

    try:
        license_ = parse_license(text)
    except LicenseError as error:
        meant = None if error.right is None else f"Did you mean {error.right}?"
        yield finding(
            "license-expression", document, f"the licence {text[:80]!r} {error.reason}",
            keys=keys, offending=f"license: {text}", right=error.right, fix=meant,
        )  # fmt: skip
        return
    if license_.usual != " ".join(text.split()):
        yield finding(
            "license-name", document, f"SPDX writes the licence {text[:80]!r} otherwise today",
            keys=keys, offending=f"license: {text}", right=license_.usual,
        )  # fmt: skip


def _missing(
    document: Document, text: str | None, keys: Keys, licences: _Licences
) -> Iterator[Finding]:
    block, _ = document.record_block()
    if block.get("status") == "withdrawn":
        return
    license_ = _parsed(text or licences.inherited(place_of(document.path)))
    if text is None and license_ is None and licences.inherited(place_of(document.path)):
        return  # the collection's is wrong, which is told there
    if license_ is None and text is not None:
        return
    if license_ is None or not license_.is_said:
        yield finding(
            "license-missing", document, "has no licence, and its collection has none either"
            if license_ is None else f"has {license_.text!r} where a licence is required",
            keys=keys if text else keys[:-1], offending=text,
        )  # fmt: skip


def _taken_away(submission: Submission, document: Document, text: str | None) -> Iterator[Finding]:
    """A collection without licence leaves those datasets without that did not change."""
    license_ = _parsed(text)
    if submission.base is None or (text is not None and (license_ is None or license_.is_said)):
        return
    folder = document.path.rpartition("/")[0]
    paths = [
        path for path in submission.tree
        if path.startswith(f"{folder}/") and path.endswith((SUFFIX, YAML_SUFFIX))
        and path not in submission.by_path
    ]  # fmt: skip
    submission.prefetch(paths)
    for path in paths:
        dataset = submission.document(path)
        if dataset is not None and dataset.error is None and _own(dataset)[0] is None:
            yield finding(
                "license-missing", document, f"has no licence, from which {path} had its own",
                keys=("license",) if text else (), offending=text,
            )  # fmt: skip
            return


def _members(document: Document, text: str | None, licences: _Licences) -> Iterator[Finding]:
    license_ = _parsed(text)
    if license_ is None or not isinstance(document.value, dict):
        return
    try:
        members = take_members(Fields(dict(document.value), document.path))
    except InvalidFileError:
        return  # `documents` tells of it
    lacking: dict[str, str] = {}
    for member in members:
        other = _parsed(licences.of(member.dataset))
        if other is None or not other.is_said:
            continue
        missing = other.names - license_.names
        if missing and (" OR " not in other.usual or missing == other.names):
            lacking |= dict.fromkeys(sorted(missing), member.dataset)
    for name, dataset in lacking.items():
        yield finding(
            "license-members", document,
            f"the licence {license_.text[:80]!r} leaves out {name}, that of {dataset[:80]!r}",
            keys=("license",), offending=f"license: {license_.text}",
            right=f"{license_.usual} AND {name}",
        )  # fmt: skip
