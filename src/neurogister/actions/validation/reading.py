"""A YAML file of a submission: what it says, or why it cannot be read, and where each field is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...errors import InvalidFileError
from ...model.document import DocumentError, find_place, parse_document
from ...model.fields import Fields
from ...model.finding import Finding, shortened
from ...model.pointer import Pointer
from ...model.record import Record
from ...model.rulebook import get_rule
from ...registry.layout import POINTER, POINTER_LIMIT, classify, size_limit
from ...registry.lookups import identifier_in

if TYPE_CHECKING:
    from ...model.document import Keys
    from .submission import FileChange

NOT_ASKED = object()
RELEASED = object()


@dataclass(slots=True)
class Document:
    """What a YAML file says, or why it cannot be read."""

    path: str
    kind: str | None
    data: bytes
    error: InvalidFileError | None = None
    _value: Any = None
    _id: Any = field(default=NOT_ASKED, repr=False)
    _pointer: Any = field(default=NOT_ASKED, repr=False)
    _record: Any = field(default=NOT_ASKED, repr=False)

    @property
    def value(self) -> Any:
        """What was read."""
        if self._value is RELEASED:
            return parse_document(self.data, self.path, limit=size_limit(self.path))
        return self._value

    def release(self) -> None:
        """Keep what is asked for most, and not the whole value: it is read again if need be."""
        if len(self.data) > POINTER_LIMIT:
            return  # there are few, and to read one again takes long
        if self.error is None and self._value is not RELEASED:
            _, _ = self.id, self.record()
            self._value = RELEASED

    @property
    def id(self) -> str | None:
        """The identifier in it, case-folded."""
        if self._id is NOT_ASKED:
            self._id = identifier_in(self.value)
        found: str | None = self._id
        return found

    def place(self, keys: Keys) -> tuple[int, int] | tuple[None, None]:
        """Return line and column of a field."""
        return find_place(self.data, keys) or (None, None)

    def pointer(self) -> Pointer | None:
        """Return what a pointer says; None if it is none, or broken."""
        if self._pointer is NOT_ASKED:
            try:
                self._pointer = Pointer.from_document(self.value, self.path)
            except InvalidFileError:
                self._pointer = None
        found: Pointer | None = self._pointer
        return found

    def record_block(self) -> tuple[dict[str, Any], Keys]:
        """Return the mapping of the record and the keys that lead to it; empty without one."""
        value = self.value
        if not isinstance(value, dict):
            return {}, ()
        if self.kind != POINTER:
            return value, ()
        meta = value.get("meta")
        block = meta.get("neurogister") if isinstance(meta, dict) else None
        return (block, ("meta", "neurogister")) if isinstance(block, dict) else ({}, ())

    def record(self) -> Record | None:
        """Return the record in it; None if there is none, or it is broken."""
        if self._record is NOT_ASKED:
            self._record = self._read_record()
        found: Record | None = self._record
        return found

    def _read_record(self) -> Record | None:
        block, keys = self.record_block()
        if not block:
            return None
        if self.kind == POINTER and (pointer := self.pointer()) is not None:
            return pointer.record
        try:
            return Record.from_fields(Fields(block, self.path, keys))
        except InvalidFileError:
            return None


def read_document(path: str, data: bytes) -> Document:
    """Read a YAML file; what is wrong with it is its `error`, and no exception."""
    kind = classify(path)
    try:
        value = parse_document(data, path, limit=size_limit(path))
    except DocumentError as error:
        return Document(path, kind, data, error.located(data))
    except InvalidFileError as error:
        return Document(path, kind, data, error)
    return Document(path, kind, data, None, value)


def finding(
    rule: str,
    where: Document | FileChange | str,
    message: str,
    *,
    keys: Keys = (),
    offending: object = None,
    right: str | None = None,
    fix: str | None = None,
    **more: Any,
) -> Finding:
    """Return a finding with what its rule says in general.

    Parameters
    ----------
    rule : str
        Its id.
    where : Document, FileChange or str
        The file, or its path.
    message : str
        What is wrong here.
    keys : tuple of str or int
        The field that it is about, for line and column.
    offending, right, fix : optional
        As of `Finding`; what the rule says in general stands in for the last two.
    """
    general = get_rule(rule)
    path = where if isinstance(where, str) else where.path
    if keys and isinstance(where, Document):
        more["line"], more["column"] = where.place(keys)
    return Finding(
        rule=rule,
        path=path,
        message=message,
        severity=more.pop("severity", general.severity),
        offending=shortened(offending),
        right=right or general.right,
        fix=fix or general.fix,
        fixable=more.pop("fixable", general.fixable),
        **more,
    )
