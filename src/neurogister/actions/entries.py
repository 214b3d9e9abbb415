"""The files of a folder: as its manifest in git lists them, and those that a part names."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import IntegrityError, NotFoundError
from ..model.listing import Entry, listing_md5, listing_sha256
from ..model.manifest import parse_manifest
from .selection import Selection

if TYPE_CHECKING:
    from ..registry.reader import Reader


def entries_from_manifest(reader: Reader, selection: Selection) -> list[Entry] | None:
    """Read the files of a folder from its manifest in git, if it has one for this state.

    Returns
    -------
    list of Entry or None
        None without a manifest that makes the very listing that the pointer names.

    Raises
    ------
    IntegrityError
        If the manifest's sha256 are not those that the record sums up.
    InvalidFileError
        If the manifest is broken.
    """
    data = _manifest_of_state(reader, selection)
    if data is None:
        return None
    entries = parse_manifest(data, name=f"{selection.name}.manifest.csv")
    if not all(entry.md5 for entry in entries) or listing_md5(entries) != selection.oid.md5:
        return None
    if selection.sha256 is not None and listing_sha256(entries) not in (None, selection.sha256):
        raise IntegrityError(
            f"the manifest of {selection.name} does not agree with the sha256 in its record",
            hint="The registry contradicts itself here: tell its maintainers.",
        )
    return entries


def _manifest_of_state(reader: Reader, selection: Selection) -> bytes | None:
    if selection.current:
        return reader.manifest_bytes(selection.item)
    for state in reader.history(selection.item):
        if state.md5 == str(selection.oid):
            return reader.at(state.commit).manifest_bytes(selection.item)
    return None


def choose_part(selection: Selection, entries: Sequence[Entry]) -> list[Entry]:
    """Keep the files that the part of a selection names: a file, a sub-folder or a glob.

    Raises
    ------
    NotFoundError
        If there are none; the nearest names are suggested.
    """
    part = selection.part
    if part is None:
        return list(entries)
    chosen = [entry for entry in entries if matches_part(entry.path, part)]
    if not chosen:
        import difflib  # only for the suggestion

        near = difflib.get_close_matches(part, [entry.path for entry in entries], 3, 0.5)
        raise NotFoundError(
            f"{selection.name} has no file {part!r}",
            hint=f"Perhaps {', '.join(near)}?"
            if near
            else f"`neurogister info {selection.name} --files` lists what it has.",
        )
    return chosen


def matches_part(path: str, part: str) -> bool:
    """Tell whether a file is meant by a part: itself, a folder above it, or a glob."""
    if path == part or path.startswith(f"{part}/"):
        return True
    if not any(character in part for character in "*?["):
        return False
    return fnmatch.fnmatchcase(path, part) or (
        "/" not in part and fnmatch.fnmatchcase(path.rpartition("/")[2], part)
    )
