"""Texts: whatever a stranger writes is shown by terminals, web pages, spreadsheets and logs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...model.strangers import LINK, LONGEST, find_dangers, find_secret
from ...registry.layout import (
    ARCHIVE,
    COLLECTION,
    PACKAGE,
    POINTER,
    REGISTRY,
    RESOURCE,
    VENDOR,
)
from .reading import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...model.document import Keys
    from ...model.finding import Finding
    from .reading import Document
    from .submission import Submission

_KINDS = (REGISTRY, COLLECTION, VENDOR, PACKAGE, RESOURCE, POINTER, ARCHIVE)
_LONG = {"license_text": 40_000}
_LINKS = frozenset({"url", "homepage", "contact"})
_MAIL = re.compile(r"\A[^\s@:/]+@[^\s@:/]+\Z")
_SHORT = 128  # characters of a key


def check_texts(submission: Submission) -> Iterator[Finding]:
    """Check every text of the files that change."""
    for document in submission.documents(*_KINDS):
        for keys, text in texts_of(document.value):
            yield from _judge(document, keys, text)
        yield from _comments(document)


def texts_of(value: Any, keys: Keys = ()) -> Iterator[tuple[Keys, str]]:
    """Give each text in a document, keys of mappings too, and the keys that lead to it."""
    todo: list[tuple[Keys, Any]] = [(keys, value)]
    while todo:
        where, each = todo.pop()
        if isinstance(each, str):
            yield where, each
        elif isinstance(each, Mapping):
            yield from (((*where, key), key) for key in each if isinstance(key, str))
            todo += [((*where, key), inner) for key, inner in each.items()]
        elif isinstance(each, list):
            todo += [((*where, number), inner) for number, inner in enumerate(each)]


def _judge(document: Document, keys: Keys, text: str) -> Iterator[Finding]:
    field = str(keys[-1]) if keys else ""
    longest = _SHORT if field == text else _LONG.get(field, LONGEST)
    where = _named(keys)
    for danger in find_dangers(text, longest=longest):
        yield finding(
            danger.rule, document, f"{where} {danger.what}", keys=keys, offending=danger.shown
        )
    if field in _LINKS and field != text and not _is_link(field, text):
        yield finding(
            LINK, document, f"{where} is no https address", keys=keys, offending=text,
            right="https://…" + (" or NAME@HOST" if field == "contact" else ""),
        )  # fmt: skip


def _named(keys: Keys) -> str:
    shown = [str(key) if str(key).isprintable() else ascii(key) for key in keys]
    return ".".join(shown)[-120:] or "the file"


def _is_link(field: str, text: str) -> bool:
    if field == "contact" and _MAIL.match(text):
        return True
    return text.startswith("https://") and not any(each in text for each in ' "<>`\\\n')


def _comments(document: Document) -> Iterator[Finding]:
    """A comment is read by nobody but people, and kept by git all the same: no secrets in it."""
    text = document.data.decode("utf-8", "replace")
    for number, line in enumerate(text.split("\n"), 1):
        comment = line.partition("#")[2]
        if comment and (danger := find_secret(comment)) is not None:
            yield finding(
                danger.rule, document, f"a comment {danger.what}", line=number,
                offending=danger.shown,
            )  # fmt: skip
