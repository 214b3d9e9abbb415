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
from .writable import check_git, commit_changes, held_for_writing

if TYPE_CHECKING:
    from ..model.dataset import Dataset
    from ..model.package import Package
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
    with held_for_writing(session, progress) as root:
        item = _find_item(session, name, to)
        place = _find_place(session, item, to, new_collection=new_collection)
        if place == item.place and not _names_before(item):
            return _result(item, place, changed=False)
        message = f"Rename {item.name} to {_name(place)}"
        if place == item.place:  # perhaps an earlier try was interrupted before this
            paths = [path for old in _names_before(item) for path in _paths(f"{DATA}{old}", place)]
            made = None if dry_run else commit_changes(session, paths, message, commit=commit)
            return _result(item, place, changed=False, commit=made)
        _refuse(session, item, place, root)
        arriving, leaving = _plan(session, item, place)
        check_git(session, [*arriving.paths, *leaving.paths], commit=commit)
        if dry_run:
            return _result(item, place)
        _carry_out(arriving, leaving, root, item.place, place)
        paths = _paths(item.place, place)
        made = commit_changes(session, paths, message, commit=commit)
        return _result(item, place, staged=tuple(paths), commit=made)


def _carry_out(
    arriving: ChangeSet, leaving: ChangeSet, root: Path, before: str, place: str
) -> None:
    """Make the new pointer, move the data, remove the old pointer: a kill leaves both, or one."""
    applied = arriving.apply(root)
    try:
        _move_data(root, before, place)
        try:
            leaving.apply(root)
        except BaseException:
            _move_data(root, place, before)
            raise
    except BaseException:
        applied.undo()
        raise


def _find_item(session: Session, name: str, to: str) -> Dataset:
    """Return what is to be renamed, or what an interrupted try has renamed already."""
    found = session.reader.find_name(name)
    halves = [each for each in found if any(o.name in _names_before(each) for o in found)]
    if len(found) > 1 and len(found) - len(halves) == 1:
        return next(each for each in found if each not in halves)
    if not found:
        old = name.removeprefix(DATA)
        new = f"{to}{old.rpartition('/')[2]}" if to.endswith("/") else to
        for each in session.reader.find_place(f"{DATA}{new.removeprefix(DATA)}"):
            if old in _names_before(each):
                return each
    return session.reader.get(name)


def _names_before(item: Dataset) -> tuple[str, ...]:
    return item.record.former_names if item.record is not None else ()


def _paths(before: str, place: str) -> list[str]:
    """List what belongs to a dataset in git, at both places."""
    ends = (SUFFIX, YAML_SUFFIX, MANIFEST_SUFFIX)
    ignored = [f"{each.rpartition('/')[0]}/.gitignore" for each in (before, place)]
    return [*(f"{each}{end}" for each in (place, before) for end in ends), *ignored]


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
    interrupted = False
    for found in session.reader.find_place(place):
        interrupted = found.id == item.id and item.name in _names_before(found)
        if not interrupted:
            raise RefusedError(f"{found.path} is there already", hint="Choose another name.")
    target = root.joinpath(*place.split("/"))
    mine = interrupted or fold(place) == fold(item.place)
    if os.path.lexists(target) and not mine:
        raise RefusedError(f"{target} is in the way", hint="Move it away, or choose another name.")
    named = [
        package.name
        for package in session.reader.packages()
        for dataset in _datasets_of(package)
        if dataset in (item.name, item.place)
    ]
    if named:
        raise RefusedError(
            f"{', '.join(sorted(set(named)))} has {item.name} as a member by this name",
            hint=f"Let the package name it by its identifier ({item.id}) first."
            if item.id
            else "Change the member in the package first.",
        )


def _datasets_of(package: Package) -> list[str]:
    """Return the names by which a package knows datasets: of its members, and of its archive."""
    archive = [package.zip.dataset] if package.zip is not None else []
    return [*(member.dataset for member in package.members), *archive]


def _plan(session: Session, item: Dataset, place: str) -> tuple[ChangeSet, ChangeSet]:
    """Make the files at the new place, and what goes at the old one."""
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

    arriving, leaving = ChangeSet(), ChangeSet()
    if (manifest := session.reader.manifest_bytes(item)) is not None:
        arriving.write(f"{place}{MANIFEST_SUFFIX}", manifest)
        leaving.remove(f"{item.place}{MANIFEST_SUFFIX}")
    if item.pointer_path is not None:
        _move_ignored(session, item.place, place, arriving, leaving)
    arriving.write(f"{place}{end}", edit_document(data, path, edit, limit=size_limit(path)))
    leaving.remove(path)
    return arriving, leaving


def _move_ignored(
    session: Session, before: str, place: str, arriving: ChangeSet, leaving: ChangeSet
) -> None:
    old_folder, _, old = before.rpartition("/")
    new_folder, _, new = place.rpartition("/")
    there = with_ignored(session.reader.read_file(f"{new_folder}/.gitignore"), new)
    arriving.write(f"{new_folder}/.gitignore", there)
    path = f"{old_folder}/.gitignore"
    data = there if old_folder == new_folder else session.reader.read_file(path)
    left = without_ignored(data, old)
    if left is not None:
        leaving.write(path, left)
    elif data is not None:
        leaving.remove(path)


def _move_data(root: Path, before: str, place: str) -> None:
    """Move what lies in the work tree along, if anything does."""
    source = root.joinpath(*before.split("/"))
    if not os.path.lexists(source) or os.path.lexists(root.joinpath(*place.split("/"))):
        return
    target = Destination(root).make_parents(place)
    with system_errors(target, "move the data to"):
        os.rename(source, target)
