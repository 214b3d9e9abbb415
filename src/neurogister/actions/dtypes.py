"""Kinds of data: adding one to the registry."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NotFoundError, RefusedError, UsageError
from ..files import system_errors
from ..model.ledger import known
from ..model.writing import edit_document
from ..progress import SILENT, Progress
from ..registry.changes import ChangeSet
from ..registry.layout import REGISTRY_FILE, YAML_LIMIT
from .metadata import load_schema, schema_path
from .writable import check_git, commit_changes, held_for_writing

if TYPE_CHECKING:
    from ..model.registryinfo import Dtype
    from .session import Session

_NAME = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_MOST = 256 * 1024  # bytes of a schema


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDtype:
    """A kind of data to be added.

    Parameters
    ----------
    name : str
    title, description, content_type : str, optional
    extensions : tuple of str
        What the names of files end with, without the first dot.
    downloadable : bool
        Whether it may be downloaded openly.
    schema : Path, optional
        A JSON Schema for the metadata.
    """

    name: str
    title: str | None = None
    description: str | None = None
    content_type: str | None = None
    extensions: tuple[str, ...] = ()
    downloadable: bool = False
    schema: Path | None = None

    def as_mapping(self) -> dict[str, Any]:
        """Return what ``registry.yaml`` says of it."""
        return known(
            title=self.title,
            description=self.description,
            content_type=self.content_type,
            extensions=[each.removeprefix(".") for each in self.extensions] or None,
            downloadable=self.downloadable,
        )


def add_dtype(
    session: Session,
    dtype: NewDtype,
    *,
    commit: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> list[str]:
    """Add a kind of data to ``registry.yaml``, with its schema if it has one.

    Returns
    -------
    list of str
        The files that are changed; none if it is there already, just so.

    Raises
    ------
    UsageError
        If the name cannot be one.
    RefusedError
        If it is there already, and says something else.
    NotFoundError, InvalidFileError
        If the schema is not there, or is none.
    """
    if not _NAME.match(dtype.name):
        raise UsageError(
            f"{dtype.name[:80]!a} cannot be the name of a dtype",
            hint="It has letters, digits, '_' and '-', at most 64.",
        )
    with held_for_writing(session, progress) as root:
        changes = ChangeSet()
        if dtype.schema is not None:
            changes.write(schema_path(dtype.name), _read_schema(dtype))
        before = session.reader.read_file(REGISTRY_FILE) or b""
        changes.write(REGISTRY_FILE, _added(session, before, dtype))
        differs = changes.differs(root)
        check_git(session, changes.paths, commit=commit)
        if not dry_run:  # also if an earlier try was interrupted before this
            changes.apply(root)
            commit_changes(session, changes.paths, f"Add the dtype {dtype.name}", commit=commit)
        return changes.paths if differs else []


def _read_schema(dtype: NewDtype) -> bytes:
    path = dtype.schema
    if path is None or not path.is_file():
        raise NotFoundError(f"there is no file {path}", hint="`--schema` names a JSON Schema.")
    with system_errors(path, "read"):
        if path.stat().st_size > _MOST:
            raise UsageError(f"{path} is larger than {_MOST:,} bytes")
        data = path.read_bytes()
    load_schema(data, dtype.name)
    return (json.dumps(json.loads(data), indent=2, ensure_ascii=False) + "\n").encode()


def _added(session: Session, before: bytes, dtype: NewDtype) -> bytes:
    there: Dtype | None = session.reader.info().dtypes.get(dtype.name)
    wanted = dtype.as_mapping()
    if there is not None:
        says = known(
            title=there.title, description=there.description, content_type=there.content_type,
            extensions=list(there.extensions) or None, downloadable=there.downloadable,
        )  # fmt: skip
        if says != wanted:
            raise RefusedError(
                f"the registry has the dtype {dtype.name!r} already, and says otherwise of it",
                hint=f"Edit {REGISTRY_FILE} to change it; datasets of this dtype rely on it.",
            )
        return before

    def edit(document: Any) -> None:
        if not document.get("dtypes"):
            document["dtypes"] = {}
        document["dtypes"][dtype.name] = wanted

    return edit_document(before, REGISTRY_FILE, edit, limit=YAML_LIMIT)
