"""Changing what a registry says of datasets; the files keep their comments and their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import NotFoundError, RefusedError, UsageError
from ..model import assignments
from ..model.fields import Fields
from ..model.record import Record
from ..model.table import Said
from ..model.writing import edit_document
from ..progress import SILENT, Progress
from ..registry.changes import ChangeSet
from ..registry.layout import size_limit
from .metadata import MetadataChecker
from .privacy import refuse_metadata
from .records import put_field, record_in, set_fields
from .writable import check_git, commit_changes, held_for_writing, raise_problems

if TYPE_CHECKING:
    from ..errors import NeurogisterError
    from ..model.dataset import Dataset
    from .session import Session

_STATUSES = ("active", "deprecated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Modification:
    """What is to be said from now on.

    Parameters
    ----------
    said : Said
        Fields and metadata to set; `id` and `note` cannot be.
    removed : tuple of str
        Keys of metadata to remove; ``a.b`` for nested ones.
    status : {'active', 'deprecated'}, optional
    """

    said: Said = field(default_factory=Said)
    removed: tuple[str, ...] = ()
    status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Modified:
    """What became of one dataset.

    Parameters
    ----------
    name : str
    id : str, optional
    path : str
        The file that says it.
    changed : bool
        Whether anything is different now.
    """

    name: str
    id: str | None
    path: str
    changed: bool


@dataclass(slots=True)
class ChangeReport:
    """What a change did, or would do.

    Parameters
    ----------
    items : list of Modified
    staged : list of str
        The files that were staged or committed.
    commit : str, optional
        The commit that was made.
    """

    items: list[Modified] = field(default_factory=list)
    staged: list[str] = field(default_factory=list)
    commit: str | None = None

    @property
    def changes(self) -> bool:
        """Whether anything was, or would be, changed."""
        return any(item.changed for item in self.items)


def modify(
    session: Session,
    names: Sequence[str],
    modification: Modification,
    *,
    commit: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> ChangeReport:
    """Change records.

    Parameters
    ----------
    session : Session
        The registry: a checkout.
    names : sequence of str
        Datasets, resources or packages; globs too.
    modification : Modification
        What to change.
    commit : bool
        Whether to commit in git, and not only to stage.
    dry_run : bool
        Whether only to find out what would happen.
    progress : Progress
        Told when it waits.

    Raises
    ------
    NotFoundError
        If there is no such dataset, dtype, or key to remove.
    RefusedError
        If one was withdrawn, has no record, or the dtype's schema is not met. Nothing was changed.
    """
    if modification.status is not None and modification.status not in _STATUSES:
        raise UsageError(
            f"the status cannot be set to {modification.status!r}",
            hint="It may be active or deprecated; `neurogister withdraw` withdraws for good.",
        )
    with held_for_writing(session, progress) as root:
        _check_dtype(session, modification.said.dtype)
        items = _resolve(session, names)
        changes, report = _plan(session, items, modification)
        check_git(session, changes.paths, commit=commit)
        if not dry_run:
            changes.apply(root)
            message = _message([item for item in report.items if item.changed] or report.items)
            # the unchanged ones too: an earlier try may have been interrupted before this
            report.staged = [item.path for item in report.items]
            report.commit = commit_changes(session, report.staged, message, commit=commit)
    return report


def _check_dtype(session: Session, dtype: str | None) -> None:
    known = session.reader.info().dtypes
    if dtype is not None and dtype not in known:
        raise NotFoundError(
            f"the registry has no dtype {dtype!r}",
            hint=f"It has: {', '.join(sorted(known)[:10]) or 'none'}."
            f" `neurogister dtype add {dtype}` adds one.",
        )


def _resolve(session: Session, names: Sequence[str]) -> list[Dataset]:
    items: dict[str, Dataset] = {}
    for target in session.reader.resolve(names):
        if target.version is not None or target.part is not None:
            raise UsageError(
                f"{target.as_typed}: a record is that of the whole dataset, in all its versions"
            )
        items[target.item.place] = target.item
    return list(items.values())


def _plan(
    session: Session, items: Sequence[Dataset], modification: Modification
) -> tuple[ChangeSet, ChangeReport]:
    changes, report = ChangeSet(), ChangeReport()
    checker = MetadataChecker(session)
    problems: list[NeurogisterError] = []
    for item in items:
        try:
            path, before = record_file(session, item)
            after = _edited(before, path, modification)
            if modification.said.metadata or modification.removed or modification.said.dtype:
                _check(checker, after, item.name)
            folder = item.place.rpartition("/")[0]
            refuse_metadata(session, folder, modification.said.metadata, item.name)
        except (RefusedError, NotFoundError) as error:
            problems.append(error)
            continue
        if after != before:
            changes.write(path, after)
        report.items.append(
            Modified(name=item.name, id=item.id, path=path, changed=after != before)
        )
    raise_problems(problems, len(items))
    return changes, report


def record_file(session: Session, item: Dataset) -> tuple[str, bytes]:
    """Return the file that has the record of a dataset, and its content.

    Raises
    ------
    RefusedError
        If it was withdrawn, or is broken.
    """
    if item.error is not None:
        raise RefusedError(item.error, hint="Mend the file first.")
    if item.status == "withdrawn":
        raise RefusedError(f"{item.name} was withdrawn: its tombstone stays as it is")
    path = (item.record_path if item.kind == "package" else None) or item.path
    data = session.reader.read_file(path)
    if data is None:
        raise NotFoundError(f"there is no file {path}")
    return path, data


def _edited(before: bytes, path: str, modification: Modification) -> bytes:
    def edit(document: Any) -> None:
        record = record_in(document)
        set_fields(record, modification.said)
        if modification.status is not None:
            put_field(record, "status", modification.status)
        _remove_keys(record, modification.removed)

    return edit_document(before, path, edit, limit=size_limit(path))


def _remove_keys(record: Any, keys: Sequence[str]) -> None:
    metadata = record.get("metadata")
    for key in keys:
        if metadata is None or not assignments.remove(metadata, key):
            known = ", ".join(str(each) for each in (metadata or {}))
            raise NotFoundError(
                f"there is no metadata {key!r} to remove", hint=f"There is: {known or 'none'}."
            )
    if metadata is not None and not metadata and keys:
        del record["metadata"]


def _check(checker: MetadataChecker, data: bytes, name: str) -> None:
    from ..model.document import parse_document  # the edited file, as everybody will read it

    document = parse_document(data, name, limit=1 << 20)
    plain: Mapping[str, Any] = record_in(document)
    record = Record.from_fields(Fields(plain, name)) if "members" not in plain else None
    if record is not None:
        checker.check(record.dtype, record.metadata, name)


def _message(items: Sequence[Modified]) -> str:
    if len(items) == 1:
        return f"Change the record of {items[0].name}"
    return f"Change the records of {len(items)} datasets"
