"""What a document can be looked up by: its identifier and digests, without trusting its form."""

from __future__ import annotations

from typing import Any

_DIGITS = 15  # of a digest, those that the index has: they fit into SQLite's integers


def _record_of(document: Any) -> dict[str, Any]:
    """Return the record in a document of any kind, without trusting its form."""
    if not isinstance(document, dict):
        return {}
    if "outs" in document:
        meta = document.get("meta")
        document = meta.get("neurogister") if isinstance(meta, dict) else None
    return document if isinstance(document, dict) else {}


def identifier_in(document: Any) -> str | None:
    """Return the identifier, in its case-folded form."""
    value = _record_of(document).get("id")
    return value.casefold() if isinstance(value, str) and len(value) <= 255 else None


def digests_in(document: Any) -> set[str]:
    """Return the digests of all versions, without ``.dir``."""
    found: list[object] = []
    outs = document.get("outs") if isinstance(document, dict) else None
    versions = _record_of(document).get("versions")
    for entries in (outs, versions):
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict):
                found += [entry.get(name) for name in ("md5", "sha1", "sha256", "blake3")]
    texts = {value.removesuffix(".dir") for value in found if isinstance(value, str)}
    return {text for text in texts if len(text) <= 64}


def start_of(digest: str) -> int | None:
    """Return the number that a digest starts with; None if it is none."""
    try:
        return int(digest[:_DIGITS], 16)
    except ValueError:
        return None
