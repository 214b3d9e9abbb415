"""Who curates packages: adding a vendor, and moving one between departments."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NotFoundError, RefusedError, UsageError
from ..files import Destination, system_errors
from ..model.paths import check_component, fold
from ..model.writing import check_document, dump_document
from ..progress import SILENT, Progress
from ..registry.changes import ChangeSet
from ..registry.layout import STORE, VENDOR_FILES, YAML_LIMIT, shelf_of
from .validation.lookalikes import identifier_skeleton
from .writable import check_git, commit_changes, git_writer, held_for_writing, who

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..model.package import Vendor
    from .session import Session

_NAME = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_MAINTAINER = re.compile(r"\A(?P<name>[^<>]+?)\s*(?:<(?P<account>[^<>\s]+)>)?\Z")
_MAIL = re.compile(r"\A[^@\s]+@[^@\s]+\Z")
_SCHEMA = re.compile(rb"(?m)^(# yaml-language-server: \$schema=)((?:\.\./)+)(?=schemas/)")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVendor:
    """What is said of a new vendor.

    Parameters
    ----------
    name : str
    department : str, optional
        The group of vendors that it belongs to.
    title, description : str, optional
        Without a title, its name is one.
    maintainers : tuple of str
        ``NAME <GITHUB-OR-MAIL>``; without any, who adds it.
    """

    name: str
    department: str | None = None
    title: str | None = None
    description: str | None = None
    maintainers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """Where a vendor is now, or would be.

    Parameters
    ----------
    name : str
    department : str, optional
    path : str
        Its folder, from the top of the registry.
    before : str, optional
        The folder that it was moved from.
    changed : bool
        False if it was so already.
    staged : tuple of str
        The files that were staged or committed.
    commit : str, optional
        The commit that was made.
    """

    name: str
    department: str | None
    path: str
    before: str | None = None
    changed: bool = True
    staged: tuple[str, ...] = ()
    commit: str | None = None


def add_vendor(
    session: Session,
    new: NewVendor,
    *,
    commit: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> Shelved:
    """Add a vendor: a folder of ``store/`` with its ``vendor.yaml``.

    Parameters
    ----------
    session : Session
        The registry: a checkout.
    new : NewVendor
        Its name, and what is said of it.
    commit : bool
        Whether to commit in git, and not only to stage.
    dry_run : bool
        Whether only to find out what would happen.
    progress : Progress
        Told when it waits.

    Raises
    ------
    UsageError
        If it cannot be called so.
    RefusedError
        If there is a vendor or department of this name.
    """
    check_name(new.name, "a vendor")
    maintainers = [_maintainer(each) for each in new.maintainers]
    with held_for_writing(session, progress) as root:
        vendors = session.reader.vendors()
        _refuse_name(new.name, vendors)
        folder = _folder(new.name, new.department, vendors)
        document: dict[str, Any] = {"title": new.title or new.name}
        if new.description:
            document["description"] = new.description
        document["maintainers"] = maintainers or [{"name": who(session)}]
        data = dump_document(document, schema="vendor")
        path = f"{folder}/{VENDOR_FILES[0]}"
        check_said(path, data)
        done = Shelved(name=new.name, department=new.department or None, path=folder)
        if dry_run:
            return done
        check_git(session, [path], commit=commit)
        ChangeSet({path: data}).apply(root)
        made = commit_changes(session, [path], f"Add the vendor {new.name}", commit=commit)
        return replace(done, staged=(path,), commit=made)


def move_vendor(
    session: Session,
    name: str,
    department: str | None,
    *,
    commit: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> Shelved:
    """Move a vendor into a department, or out of one; its packages keep their names.

    The folder moves as it is: packages, pointers, and the data that lies in it.

    Parameters
    ----------
    session, commit, dry_run, progress
        As for `add_vendor`.
    name : str
        Which vendor.
    department : str, optional
        Where to; none (or nothing) puts it directly into the store.

    Raises
    ------
    NotFoundError
        If there is no such vendor.
    RefusedError
        If something is there already, or a package would be called otherwise.
    """
    with held_for_writing(session, progress) as root:
        vendors = session.reader.vendors()
        vendor = get_vendor(session, name)
        before = folder_of(vendor)
        others = [each for each in vendors if each.path != vendor.path]
        folder = _folder(vendor.name, department, others)
        done = Shelved(name=vendor.name, department=department or None, path=folder, before=before)
        if folder == before:
            return _finish(session, root, done, commit=commit and not dry_run, stage=not dry_run)
        _refuse_renaming(session, vendor, folder)
        if os.path.lexists(root / folder):
            raise RefusedError(f"{root / folder} is in the way", hint="Move it away first.")
        if dry_run:
            return done
        old = git_writer(session).files_below(before)
        new = [f"{folder}{path.removeprefix(before)}" for path in old]
        check_git(session, new, commit=commit)
        undo = _move(root, before, folder)
        try:
            _mend_comments(root, new, deeper=bool(department) - bool(vendor.department))
        except BaseException:
            undo()
            raise
        made = commit_changes(session, [*old, *new], _message(done), commit=commit)
        return replace(done, staged=tuple(new), commit=made)


def _finish(session: Session, root: Path, done: Shelved, *, commit: bool, stage: bool) -> Shelved:
    """Stage what an earlier try has moved already, if it came no further."""
    moved: dict[str, None] = {}
    for path in git_writer(session).files_below(STORE.rstrip("/")):
        parts = path.split("/")
        if done.name in parts[1:3] and not os.path.lexists(root / path):
            rest = parts[parts.index(done.name, 1) + 1 :]
            new = "/".join([done.path, *rest])
            if new != path and os.path.lexists(root / new):
                moved |= {path: None, new: None}
    done = replace(done, before=None, changed=bool(moved))
    if not moved or not stage:
        return done
    made = commit_changes(session, list(moved), _message(done), commit=commit)
    return replace(done, staged=tuple(moved), commit=made)


def _message(done: Shelved) -> str:
    return f"Move {done.name} {f'into {done.department}' if done.department else 'to the top'}"


def get_vendor(session: Session, name: str) -> Vendor:
    """Return a vendor by its name.

    Raises
    ------
    NotFoundError
        If there is none; the nearest names are suggested.
    RefusedError
        If there are several.
    """
    import difflib  # only for the suggestion

    vendors = session.reader.vendors()
    plain = name.removeprefix("./").removeprefix(STORE).strip("/")
    found = [each for each in vendors if plain in (each.name, folder_of(each)[len(STORE) :])]
    if len(found) > 1:
        places = ", ".join(folder_of(each) for each in found)
        raise RefusedError(f"there are several vendors {name!r}: {places}", hint="Rename one.")
    if found:
        return found[0]
    near = difflib.get_close_matches(plain, [each.name for each in vendors], 3, 0.5)
    raise NotFoundError(
        f"there is no vendor {name!r}",
        hint=f"Perhaps {' or '.join(near)}?"
        if near
        else f"`neurogister vendor add {plain}` adds it.",
    )


def folder_of(vendor: Vendor) -> str:
    """Return the folder of a vendor, from the top of the registry."""
    middle = f"{vendor.department}/" if vendor.department else ""
    return f"{STORE}{middle}{vendor.name}"


def check_name(name: str, what: str) -> None:
    """Check that something can be called so.

    Raises
    ------
    UsageError
        If not; with the reason.
    """
    try:
        if not _NAME.match(name):
            raise ValueError("has other characters than letters, digits, '.', '_' and '-'")
        check_component(name)
    except ValueError as error:
        raise UsageError(f"{name[:80]!a} cannot be the name of {what}: it {error}") from None


def check_said(path: str, data: bytes) -> None:
    """Compare a new file with the schema that a pull request has to meet.

    Raises
    ------
    UsageError
        If something cannot be said so: markup in a title, say.
    """
    from ..registry.schemas import check_files  # 0.1 s

    check_document(data, path, limit=YAML_LIMIT)
    for problem in check_files({path: data}):
        raise UsageError(problem.message, hint="Nothing was changed.")


def _maintainer(text: str) -> dict[str, str]:
    found = _MAINTAINER.match(text.strip())
    if found is None:
        raise UsageError(
            f"{text!r} is no maintainer", hint="As in `--maintainer 'Ada L <ada@example.org>'`."
        )
    account = found["account"]
    if account is None:
        return {"name": found["name"]}
    key = "email" if _MAIL.match(account) else "github"
    return {"name": found["name"], key: account.removeprefix("@")}


def _refuse_name(name: str, vendors: Sequence[Vendor]) -> None:
    for each in vendors:
        if identifier_skeleton(fold(each.name)) == identifier_skeleton(fold(name)):
            raise RefusedError(
                f"there is a vendor {each.name} already, in {folder_of(each)}",
                hint="A vendor's name is unique in all departments, and looks like no other.",
            )
        if each.department is not None and fold(each.department) == fold(name):
            raise RefusedError(f"{each.department} is a department: a vendor cannot be called so")


def _folder(name: str, department: str | None, others: Sequence[Vendor]) -> str:
    """Return the folder of a vendor, if its department can be one."""
    if not department:
        return f"{STORE}{name}"
    check_name(department, "a department")
    for each in others:
        if fold(each.name) == fold(department):
            raise RefusedError(f"{each.name} is a vendor: a department cannot be called so")
        known = each.department
        if known is not None and known != department and fold(known) == fold(department):
            raise RefusedError(f"there is a department {known} already", hint="Write it so.")
    if fold(name) == fold(department):
        raise RefusedError(f"{name} cannot be in a department of its own name")
    return f"{STORE}{department}/{name}"


def _refuse_renaming(session: Session, vendor: Vendor, folder: str) -> None:
    """Refuse if a package would be read as another vendor's: deep ones, without vendor.yaml."""
    before = folder_of(vendor)
    folders = {
        folder_of(each)
        for each in session.reader.vendors()
        if each.path != folder_of(each) and each.path != vendor.path
    }
    if vendor.path != before:
        folders.add(folder)
    for package in session.reader.packages():
        if package.place.startswith(f"{before}/"):
            place = f"{folder}{package.place.removeprefix(before)}"
            if (called := shelf_of(place, folders).full_name) != package.name:
                raise RefusedError(
                    f"{package.name} would be called {called} there",
                    hint=f"Give {vendor.name} a {VENDOR_FILES[0]} first.",
                )


def _move(root: Path, before: str, folder: str) -> Callable[[], None]:
    """Move a folder in one step; return what takes that back."""
    destination = Destination(root)
    source = destination.path(before)
    destination.check_parents(f"{before}/any")
    parent = root.joinpath(*folder.split("/")[:-1])
    made = not parent.exists()
    target = destination.make_parents(folder)
    with system_errors(target, "move the vendor to"):
        os.rename(source, target)
    if source.parent != root / STORE.rstrip("/") and not any(source.parent.iterdir()):
        source.parent.rmdir()  # the department that it was the last one of

    def undo() -> None:
        with system_errors(source, "move the vendor back to"):
            destination.make_parents(before)
            os.rename(target, source)
            if made:
                parent.rmdir()

    return undo


def _mend_comments(root: Path, paths: Sequence[str], *, deeper: int) -> None:
    """Let the comments by which editors find a schema lead there from the new folder too."""
    changes = ChangeSet()
    for path in paths:
        if deeper and path.endswith(".yaml") and (root / path).is_file():
            data = (root / path).read_bytes()
            mended = _SCHEMA.sub(
                lambda found: found[1] + b"../" * (found[2].count(b"/") + deeper), data
            )
            if mended != data:
                changes.write(path, mended)
    changes.apply(root)
