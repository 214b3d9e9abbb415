"""Giving identifiers and ledgers to datasets that have none, in pointers of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..backends.gitprogram import Git
from ..backends.gitwriter import GitWriter
from ..errors import InvalidFileError
from ..model.document import parse_document
from ..model.naming import make_identifiers
from ..model.pointer import Pointer
from ..model.record import Record
from ..model.writing import dump_document, edit_document
from ..registry.schemas import check_files
from .misfits import Misfit
from .records import put_field, record_in
from .writable import now

if TYPE_CHECKING:
    from pathlib import Path

    from ..model.dataset import Dataset
    from ..model.identifier import Identifier
    from ..model.ledger import Version
    from .session import Session


_NO_SIZES = "got no identifier: earlier states of it do not say how large they were"
_NO_SIZES_HINT = "`dvc move` it to a name without such a history, and run the command again."


@dataclass(frozen=True, slots=True)
class Assigned:
    """Identifiers that were made up.

    Parameters
    ----------
    identifiers : mapping of str to Identifier
        By pointer.
    contents : mapping of str to bytes
        The same pointers, as they shall be.
    misfits : tuple of Misfit
        What got none, besides all that does not fit anyway.
    """

    identifiers: Mapping[str, Identifier] = field(default_factory=dict)
    contents: Mapping[str, bytes] = field(default_factory=dict)
    misfits: tuple[Misfit, ...] = ()


def assign_identifiers(session: Session, root: Path) -> Assigned:
    """Make up an identifier for each dataset that has none, and whose digest and size are known.

    Its ledger starts with the states that its pointer had in git, as `versions` counts them.

    Parameters
    ----------
    session : Session
        The registry.
    root : Path
        Its work tree.

    Returns
    -------
    Assigned
        Nothing is written yet.
    """
    items = [item for item in session.reader.datasets() if _lacks(item)]
    chosen = _choose(session, items)
    names = _Names(GitWriter(Git(root)).user_name() or "unknown")
    before = session.reader.read_files(chosen)
    contents: dict[str, bytes] = {}
    misfits = []
    for item, versions in session.reader.start_ledgers(items):
        path = item.path
        if all(each.size is not None for each in versions):
            contents[path] = _with_record(
                before[path], path, _record(chosen[path], versions, names)
            )
        else:
            misfits.append(Misfit(path, "no-size", _NO_SIZES, _NO_SIZES_HINT))
    identifiers = {path: chosen[path] for path in contents}
    return Assigned(identifiers, contents, tuple(misfits))


def _lacks(item: Dataset) -> bool:
    return (
        item.kind == "dataset"
        and item.error is None
        and item.pointer is not None
        and item.id is None
        # DVC 2's digest is another one than DVC 3's of the same text, and a ledger never changes
        and not item.pointer.legacy
        and item.pointer.size is not None
        and not (item.pointer.is_dir and item.pointer.nfiles is None)
    )


def _choose(session: Session, items: Sequence[Dataset]) -> dict[str, Identifier]:
    """Make up identifiers that nobody ever had.

    They follow from place and content, so that who is interrupted gets the same ones again.
    """
    kind = session.reader.info().policy.identifier_type
    open_ = {
        item.path: make_identifiers(f"{item.place}\0{item.pointer.digest}", kind)
        for item in items
        if item.pointer is not None
    }
    chosen: dict[str, Identifier] = {}
    mine: set[str] = set()
    while open_:
        for path, maker in open_.items():
            chosen[path] = next(each for each in maker if each.key not in mine)
            mine.add(chosen[path].key)
        used = session.reader.used_identifiers([chosen[path].key for path in open_])
        open_ = {path: maker for path, maker in open_.items() if chosen[path].key in used}
    return chosen


class _Names:
    """Names of people as a record may have them: git lets them be anything."""

    def __init__(self, present: str) -> None:
        self._present = present
        self._known: dict[str, str] = {}

    def __call__(self, name: str | None) -> str:
        name = name or self._present
        if name not in self._known:
            probe = dump_document({"title": name, "maintainers": [{"name": "x"}]})
            problems = check_files({"store/x/vendor.yaml": probe})
            self._known[name] = "unknown" if problems else name
        return self._known[name]


def _record(identifier: Identifier, versions: Sequence[Version], names: _Names) -> Record:
    said = [replace(each, date=each.date or now(), by=names(each.by)) for each in versions]
    return Record(
        id=identifier,
        version=said[-1].version,
        versions=tuple(said),
        created_by=said[0].by,
        created_on=said[0].date,
    )


def _with_record(data: bytes, path: str, record: Record) -> bytes:
    """Add a record to a pointer, and change nothing else in it."""
    return _appended(data, path, record) or _edited(data, path, record)


def _appended(data: bytes, path: str, record: Record) -> bytes | None:
    """Put a record behind a pointer as it is; None if that would not do.

    A thousand pointers take as long as a dozen that are edited.
    """
    before = parse_document(data, path)
    if "meta" in before or b"\r" in data:
        return None
    meta = {"meta": {"neurogister": record.as_mapping()}}
    new = data + (b"" if data.endswith(b"\n") else b"\n") + dump_document(meta)
    try:
        after = parse_document(new, path)
        Pointer.from_document(after, path)
    except InvalidFileError:
        return None
    return new if after == {**before, **meta} else None


def _edited(data: bytes, path: str, record: Record) -> bytes:
    def edit(document: Any) -> None:
        block = record_in(document)
        for name, value in record.as_mapping().items():
            if name not in block:
                put_field(block, name, value)

    new = edit_document(data, path, edit)
    Pointer.from_document(parse_document(new, path), path)
    return new
