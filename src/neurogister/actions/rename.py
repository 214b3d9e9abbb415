"""Giving a dataset another place; its identifier stays, and the record says where it was."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import RefusedError, UsageError
from ..files import Destination, system_errors
from ..model.paths import check_path, fold
from ..model.pointer import SUFFIX
from ..model.writing import edit_document
from ..progress import SILENT, Progress
from ..registry.changes import ChangeSet, with_ignored, without_ignored
from ..registry.layout import DATA, MANIFEST_SUFFIX, YAML_SUFFIX, size_limit
from .drafts import find_folder
from .modify import record_file
from .records import put_field, record_in
from .writable import commit_changes, open_for_writing

if TYPE_CHECKING:
    from ..model.dataset import Dataset
    from .session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """What became of a dataset.

    Parameters
    ----------
    id : str, optional
    before, name : str
        What it was called, and is now.
    pointer : str
        Its pointer (or record) now.
    staged : tuple of str
        The files that were staged or committed.
    commit : str, optional
        The commit that was made.
    changed : bool
        False if it was called so already.
    """

    id: str | None
    before: str
    name: str
    pointer: str
    staged: tuple[str, ...] = ()
    commit: str | None = None
    changed: bool = True


def rename(
    session: Session,
    name: str,
    to: str,
    *,
    new_collection: bool = False,
    commit: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> Renamed:
    """Move a dataset to another place in the registry.

    Parameters
    ----------
    session : Session
        The registry: a checkout.
    name : str
        Which dataset.
    to : str
        Its new name, ``COLLECTION/…/NAME``; or a collection, with ``/`` at the end, in which it
        keeps the last part of its name.
    new_collection : bool
        Whether the collection may be new.
    commit : bool
        Whether to commit in git, and not only to stage.
    dry_run : bool
        Whether only to find out what would happen.
    progress : Progress
        Told when it waits.

    Raises
    ------
    NotFoundError
        If there is no such dataset or collection.
    UsageError, RefusedError
        If it cannot be called so, or something is there already, or a package names it by its
        old name.
    """
    root = open_for_writing(session)
    with session.tree_lock(root, progress):
        session.reader.refresh()
        item = session.reader.get(name)
        place = _find_place(session, item, to, new_collection=new_collection)
        if place == item.place:
            return _result(item, place, changed=False)
        _refuse(session, item, place, root)
        changes = _plan(session, item, place)
        if dry_run:
            return _result(item, place)
        applied = changes.apply(root)
        try:
            _move_data(root, item.place, place)
        except BaseException:
            applied.undo()
            raise
        made = commit_changes(
            session, changes.paths, f"Rename {item.name} to {_name(place)}", commit=commit
        )
        session.reader.refresh()
        return _result(item, place, staged=tuple(changes.paths), commit=made)


def _result(item: Dataset, place: str, **values: Any) -> Renamed:
    end = SUFFIX if item.pointer_path else YAML_SUFFIX
    return Renamed(
        id=item.id, before=item.name, name=_name(place), pointer=f"{place}{end}", **values
    )


def _name(place: str) -> str:
    return place.removeprefix(DATA)


def _find_place(session: Session, item: Dataset, to: str, *, new_collection: bool) -> str:
    if item.kind == "package" or not item.place.startswith(DATA):
        raise RefusedError(f"{item.name} is no dataset of a collection, and cannot be renamed")
    path = to.removeprefix(DATA)
    if path.endswith("/"):
        path += item.place.rpartition("/")[2]
    folder, slash, last = path.rpartition("/")
    if not slash:
        raise UsageError(
            f"{to!r} names no collection", hint="As in `COLLECTION/NAME`, or `COLLECTION/`."
        )
    try:
        check_path(path)
    except ValueError as error:
        raise UsageError(f"{to!r} cannot be a name: it {error}") from None
    return f"{find_folder(session, folder, new=new_collection)}/{last}"


def _refuse(session: Session, item: Dataset, place: str, root: Path) -> None:
    for found in session.reader.find_place(place):
        raise RefusedError(f"{found.path} is there already", hint="Choose another name.")
    target = root.joinpath(*place.split("/"))
    same = fold(place) == fold(item.place) and os.path.lexists(target)
    if os.path.lexists(target) and not same:
        raise RefusedError(f"{target} is in the way", hint="Move it away, or choose another name.")
    named = [
        package.name
        for package in session.reader.packages()
        for member in package.members
        if member.dataset in (item.name, item.place)
    ]
    if named:
        raise RefusedError(
            f"{', '.join(sorted(set(named)))} has {item.name} as a member by this name",
            hint=f"Let the package name it by its identifier ({item.id}) first."
            if item.id
            else "Change the member in the package first.",
        )


def _plan(session: Session, item: Dataset, place: str) -> ChangeSet:
    path, data = record_file(session, item)
    end = SUFFIX if path.endswith(SUFFIX) else YAML_SUFFIX
    last = place.rpartition("/")[2]

    def edit(document: Any) -> None:
        if "outs" in document:
            document["outs"][0]["path"] = last
        record = record_in(document)
        if record.get("former_names") is None:
            put_field(record, "former_names", [])
        if item.name not in record["former_names"]:
            record["former_names"].append(item.name)

    changes = ChangeSet()
    reader = session.reader
    if (manifest := reader.manifest_bytes(item)) is not None:
        changes.write(f"{place}{MANIFEST_SUFFIX}", manifest)
    if item.pointer_path is not None:
        _move_ignored(session, item.place, place, changes)
    changes.write(f"{place}{end}", edit_document(data, path, edit, limit=size_limit(path)))
    changes.remove(path)
    if manifest is not None:
        changes.remove(f"{item.place}{MANIFEST_SUFFIX}")
    return changes


def _move_ignored(session: Session, before: str, place: str, changes: ChangeSet) -> None:
    old_folder, _, old = before.rpartition("/")
    new_folder, _, new = place.rpartition("/")
    if old_folder == new_folder:
        data = session.reader.read_file(f"{old_folder}/.gitignore")
        changes.write(f"{old_folder}/.gitignore", with_ignored(without_ignored(data, old), new))
        return
    data = session.reader.read_file(f"{new_folder}/.gitignore")
    changes.write(f"{new_folder}/.gitignore", with_ignored(data, new))
    data = session.reader.read_file(f"{old_folder}/.gitignore")
    left = without_ignored(data, old)
    if left is not None:
        changes.write(f"{old_folder}/.gitignore", left)
    elif data is not None:
        changes.remove(f"{old_folder}/.gitignore")


def _move_data(root: Path, before: str, place: str) -> None:
    """Move what lies in the work tree along, if anything does."""
    source = root.joinpath(*before.split("/"))
    if not os.path.lexists(source):
        return
    target = Destination(root).make_parents(place)
    with system_errors(target, "move the data to"):
        os.rename(source, target)
