"""What DVC calls a directory object: the listing of a folder's files and their digests.

The bytes are those of DVC 3: ``json.dumps`` of the entries sorted by path, keys sorted; the id is
their md5 with ``.dir`` behind it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import InvalidFileError
from .digest import Buffer, is_digest
from .paths import check_path, check_together

MAX_ENTRIES = 2_000_000
BYTES_PER_ENTRY = 4096
_MAX_BYTES = 512 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a folder.

    Parameters
    ----------
    path : str
        Relative to the folder, ``/`` between components.
    md5 : str
        Of its content.
    size : int, optional
        In bytes; DVC's listings do not tell it, manifests do.
    sha256, sha1 : str, optional
        Of its content, where a manifest tells.
    """

    path: str
    md5: str
    size: int | None = None
    sha256: str | None = None
    sha1: str | None = None


def size_limit(nfiles: int | None) -> int:
    """Return how many bytes the listing of so many files may have, before it is read."""
    if nfiles is None:
        return _MAX_BYTES
    return min(max(nfiles, 1) * BYTES_PER_ENTRY, _MAX_BYTES)


def parse_listing(data: Buffer, *, name: str, nfiles: int | None = None) -> list[Entry]:
    """Read a listing, trusting nothing in it.

    Parameters
    ----------
    data : bytes
        The object as it came from a remote or cache.
    name : str
        What it lists, for messages.
    nfiles : int, optional
        How many files the pointer says there are.

    Returns
    -------
    list of Entry
        In the order of their paths.

    Raises
    ------
    InvalidFileError
        If the listing is malformed, or would write outside its folder or one file over another.
    """
    if len(data) > size_limit(nfiles):
        raise _invalid(name, f"has {len(data):,} bytes, too many for {nfiles} files")
    try:
        rows = json.loads(bytes(data))
    except (ValueError, RecursionError) as error:
        raise _invalid(name, "is not JSON") from error
    if not isinstance(rows, list):
        raise _invalid(name, "is not a list")
    if len(rows) > MAX_ENTRIES:
        raise _invalid(name, f"names {len(rows):,} files; {MAX_ENTRIES:,} is the most")
    if nfiles is not None and len(rows) != nfiles:
        raise _invalid(name, f"names {len(rows):,} files, and its pointer says {nfiles:,}")
    entries = [_parse_row(row, name) for row in rows]
    del rows  # of a million files they are 400 MB
    check_entries(entries, name=name)
    return sorted(entries, key=lambda entry: entry.path)


def _parse_row(row: object, name: str) -> Entry:
    if not isinstance(row, dict) or not {"md5", "relpath"} <= row.keys():
        raise _invalid(name, "has an entry without md5 and relpath")
    if len(row) != 2:
        raise _invalid(name, "has an entry with more than md5 and relpath")
    path, md5 = row["relpath"], row["md5"]
    if not isinstance(path, str):
        raise _invalid(name, "has a path that is not text")
    if not is_digest("md5", md5):
        raise _invalid(name, f"gives {path!r} a digest that is none: {str(md5)[:80]!r}")
    return Entry(path, md5)


def check_entries(entries: Sequence[Entry], *, name: str) -> None:
    """Check that every path is harmless and that no two are in each other's way.

    Raises
    ------
    InvalidFileError
        That names the first path which is not.
    """
    for entry in entries:
        try:
            check_path(entry.path)
        except (ValueError, UnicodeError) as error:
            raise _invalid(name, f"has the path {entry.path[:200]!r}, which {error}") from None
    try:
        check_together(entry.path for entry in entries)
    except ValueError as error:
        raise _invalid(name, f"has paths that collide: {error}") from None


def _invalid(name: str, reason: str) -> InvalidFileError:
    return InvalidFileError(
        f"the listing of {name} {reason}",
        hint="Nothing was written. Tell who maintains it; its content cannot be trusted.",
    )


def dump_listing(entries: Iterable[Entry]) -> bytes:
    """Write a listing as DVC does, byte for byte."""
    rows = [{"md5": entry.md5, "relpath": entry.path} for entry in entries]
    return json.dumps(sorted(rows, key=lambda row: row["relpath"]), sort_keys=True).encode()


def listing_md5(entries: Iterable[Entry]) -> str:
    """Return the md5 of a listing, without ``.dir``."""
    return hashlib.md5(dump_listing(entries), usedforsecurity=False).hexdigest()


def listing_sha256(entries: Iterable[Entry]) -> str | None:
    """Return the sha256 of a folder: of its listing with each file's sha256 in place of its md5.

    Returns
    -------
    str or None
        None if the sha256 of a file is not known.
    """
    rows = [{"relpath": entry.path, "sha256": entry.sha256} for entry in entries]
    if any(row["sha256"] is None for row in rows):
        return None
    rows.sort(key=lambda row: str(row["relpath"]))
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
