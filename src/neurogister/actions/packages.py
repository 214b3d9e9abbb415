"""What packages are made of: creating one, adding members and taking them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import NeurogisterError, NotFoundError, RefusedError, UsageError
from ..model.document import parse_document
from ..model.fields import Fields
from ..model.ledger import known
from ..model.package import Member, Package, PackageFile
from ..model.paths import fold
from ..model.writing import check_document, dump_document, edit_document
from ..progress import SILENT, Progress
from ..registry.changes import ChangeSet
from ..registry.layout import PACKAGE, YAML_LIMIT, YAML_SUFFIX, classify
from ..registry.resolve import nearest
from .members import find_members, open_members, parse_members, refuse_clashes
from .vendors import check_name, check_said, folder_of, get_vendor
from .writable import check_git, commit_changes, held_for_writing, raise_problems

if TYPE_CHECKING:
    from pathlib import Path

    from ..model.zips import ZipSource
    from .deposited import Deposited
    from .session import Session

_TRIES = 3  # so often another process may be quicker


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPackage:
    """What is said of a new package.

    Parameters
    ----------
    name : str
        ``VENDOR/PACKAGE``.
    purpose : str
        What it is for.
    title, description, license : str, optional
        Without a title, its name is one.
    """

    name: str
    purpose: str
    title: str | None = None
    description: str | None = None
    license: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What a package is made of now, or would be.

    Parameters
    ----------
    name : str
        ``VENDOR/PACKAGE``.
    file : str
        Its ``PACKAGE.yaml``, from the top of the registry.
    members : tuple of Member
        Of its next release.
    added, removed : tuple of Member
        Those that are different now.
    changed : bool
        Whether the file is different now.
    staged : tuple of str
        The files that were staged or committed.
    commit : str, optional
        The commit that was made.
    deposited : tuple of Deposited
        The datasets that were made for it, of a zip archive.
    unpushed : str, optional
        Why these were not pushed.
    """

    name: str
    file: str
    members: tuple[Member, ...]
    added: tuple[Member, ...] = ()
    removed: tuple[Member, ...] = ()
    changed: bool = True
    staged: tuple[str, ...] = ()
    commit: str | None = None
    deposited: tuple[Deposited, ...] = ()
    unpushed: str | None = None


def create_package(
    session: Session,
    new: NewPackage,
    members: Sequence[str],
    *,
    commit: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> Changed:
    """Write the ``PACKAGE.yaml`` of a new package; nothing is released.

    Parameters
    ----------
    session : Session
        The registry: a checkout.
    new : NewPackage
        Its name, and what is said of it.
    members : sequence of str
        ``DATASET[@VERSION][:PART][=PATH]``.
    commit : bool
        Whether to commit in git, and not only to stage.
    dry_run : bool
        Whether only to find out what would happen.
    progress : Progress
        Told when it waits.

    Raises
    ------
    UsageError
        If it cannot be called so, or nothing is said of its purpose.
    NotFoundError
        If there is no such vendor or dataset.
    RefusedError
        If there is such a package, or members are withdrawn or in each other's way.
    """
    if not new.purpose.strip():
        raise UsageError("a package needs a purpose", hint="`--purpose TEXT`")
    with held_for_writing(session, progress) as root:
        path = new_path(session, new.name)
        parsed, problems = parse_members(session, members)
        chosen = tuple(parsed)
        _check(session, chosen, problems, progress)
        data = new_document(path, new, chosen)
        done = Changed(name=new.name, file=path, members=chosen, added=chosen)
        message = f"Create the package {new.name}"
        return _write(session, root, done, data, message, commit=commit, dry_run=dry_run)


def new_document(
    path: str, new: NewPackage, members: Sequence[Member], archive: ZipSource | None = None
) -> bytes:
    """Return the ``PACKAGE.yaml`` of a new package.

    Parameters
    ----------
    path : str
        Its place, for messages.
    new : NewPackage
        What is said of it.
    members : sequence of Member
        What its first release is made of.
    archive : ZipSource, optional
        The zip archive that it is delivered as to who asks for one.

    Raises
    ------
    UsageError
        If what is said cannot stand there.
    """
    data = dump_document(
        known(
            title=new.title or new.name.rpartition("/")[2],
            purpose=new.purpose,
            description=new.description,
            license=new.license,
            members=[each.as_mapping() for each in members],
            zip=None if archive is None else archive.as_mapping(),
            versions=[],
        ),
        schema="package",
    )
    check_said(path, data)
    return data


def add_members(
    session: Session,
    name: str,
    members: Sequence[str],
    *,
    commit: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> Changed:
    """Add members to what the next release of a package is made of.

    Parameters
    ----------
    session, members, commit, dry_run, progress
        As for `create_package`.
    name : str
        ``VENDOR/PACKAGE``.

    Raises
    ------
    NotFoundError
        If there is no such package or dataset.
    RefusedError
        If members are withdrawn or in each other's way.
    """
    with held_for_writing(session, progress) as root:
        package, path, before = open_package(session, name)
        new, problems = parse_members(session, members)
        added = tuple(each for each in new if each not in package.members)
        together = (*package.members, *added)
        _check(session, together, problems, progress)

        def edit(document: Any) -> None:
            _extend(document, added, path)

        data = _edited(before, path, edit, together) if added else before
        done = Changed(
            name=package.name, file=path, members=together, added=added, changed=bool(added)
        )
        message = f"Add {_some(added)} to {package.name}"
        return _write(session, root, done, data, message, commit=commit, dry_run=dry_run)


def remove_members(
    session: Session,
    name: str,
    members: Sequence[str],
    *,
    commit: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> Changed:
    """Take members out of what the next release of a package is made of.

    Parameters
    ----------
    session, commit, dry_run, progress
        As for `create_package`.
    name : str
        ``VENDOR/PACKAGE``.
    members : sequence of str
        Each by its path in the package, or ``DATASET[@VERSION][:PART]``.

    Raises
    ------
    NotFoundError
        If there is no such package or member.
    """
    with held_for_writing(session, progress) as root:
        package, path, before = open_package(session, name)
        removed = find_members(session, package, members)
        left = tuple(each for each in package.members if each not in removed)

        def edit(document: Any) -> None:
            _cut(document, package.members, removed)

        data = _edited(before, path, edit, left)
        done = Changed(name=package.name, file=path, members=left, removed=removed)
        message = f"Remove {_some(removed)} from {package.name}"
        return _write(session, root, done, data, message, commit=commit, dry_run=dry_run)


def open_package(session: Session, name: str) -> tuple[Package, str, bytes]:
    """Return a package, the path of its ``PACKAGE.yaml`` and what that file holds.

    Raises
    ------
    NotFoundError
        If there is no such package; the nearest names are suggested.
    RefusedError
        If it is broken, or has only a pointer.
    """
    for _ in range(_TRIES):
        package, path, data = _look_up(session, name)
        if read_package(data, path).record.versions == package.versions:
            break
        session.reader.refresh()  # another process has released a version in this very moment
    return package, path, data


def _look_up(session: Session, name: str) -> tuple[Package, str, bytes]:
    packages = session.reader.packages()
    plain = name.removeprefix("./").removeprefix("store/").strip("/")
    found = [each for each in packages if plain in (each.name, each.place.removeprefix("store/"))]
    if not found:
        near = nearest(plain, packages)
        raise NotFoundError(
            f"there is no package {name!r}",
            hint=f"Perhaps {' or '.join(near)}?"
            if near
            else "`neurogister package create` makes one.",
        )
    package = found[0]
    if len(found) > 1:
        raise UsageError(f"{name!r} can mean {', '.join(each.place for each in found)}")
    if package.error is not None:
        raise RefusedError(package.error, hint="Mend the file first.")
    data = session.reader.read_file(package.record_path) if package.record_path else None
    if data is None or package.record_path is None:
        raise RefusedError(
            f"{package.name} has no {package.place}{YAML_SUFFIX}, which says what it is made of",
            hint="Write one (docs/formats.md); packages of old stores have a pointer only.",
        )
    return package, package.record_path, data


def new_path(session: Session, name: str) -> str:
    """Return where the ``PACKAGE.yaml`` of a new package goes.

    Raises
    ------
    UsageError
        If it cannot be called so.
    NotFoundError
        If there is no such vendor.
    RefusedError
        If there is such a package.
    """
    vendor_name, slash, last = name.removeprefix("store/").partition("/")
    if not slash:
        raise UsageError(f"{name!r} names no vendor", hint="As in `VENDOR/PACKAGE`.")
    check_name(last, "a package")
    vendor = get_vendor(session, vendor_name)
    path = f"{folder_of(vendor)}/{last}{YAML_SUFFIX}"
    if classify(path) != PACKAGE:
        raise UsageError(f"{last!r} cannot be the name of a package: {path} is another file")
    taken = {fold(each): each for each in vendor.packages}
    if (other := taken.get(fold(f"{vendor.name}/{last}"))) is not None:
        raise RefusedError(
            f"there is a package {other} already",
            hint=f"`neurogister package add {other} …` adds members to it.",
        )
    return path


def _check(
    session: Session,
    members: Sequence[Member],
    problems: Sequence[NeurogisterError],
    progress: Progress,
) -> None:
    """Refuse members that could not be released together, all that is wrong at once."""
    pieces, more = open_members(session, members, ask=False, progress=progress)
    total = len(members) + len(problems)
    raise_problems([*problems, *more, *refuse_clashes(pieces)], total)


def _edited(before: bytes, path: str, edit: Any, members: Sequence[Member]) -> bytes:
    """Return the changed file, having read it as everybody will."""
    after = edit_document(before, path, edit, limit=YAML_LIMIT)
    if read_package(after, path).members != tuple(members):
        raise NeurogisterError(
            f"{path} cannot be changed by a program as it is written",
            hint="Change its members by hand. Nothing was changed.",
        )
    return after


def read_package(data: bytes, path: str) -> PackageFile:
    """Read ``PACKAGE.yaml``."""
    document = parse_document(data, path, limit=YAML_LIMIT)
    return PackageFile.from_fields(Fields(document, path))


def _extend(document: Any, added: Sequence[Member], path: str) -> None:
    members = document.get("members")
    if isinstance(members, dict) and members:
        for each in added:
            if each.part is not None or each.version is not None or each.dataset in members:
                raise RefusedError(
                    f"{path} gives its members as `DATASET: PATH`, where {each} cannot be said",
                    hint="Write `members` as a list of `dataset` and `path` (docs/formats.md).",
                )
            members[each.dataset] = each.path
    elif members:
        members.extend(each.as_mapping() for each in added)
    else:
        document["members"] = [each.as_mapping() for each in added]


def _cut(document: Any, members: Sequence[Member], removed: Sequence[Member]) -> None:
    for position, member in reversed(list(enumerate(members))):
        if member in removed:
            key = member.dataset if isinstance(document["members"], dict) else position
            del document["members"][key]


def _some(members: Sequence[Member]) -> str:
    return str(members[0]) if len(members) == 1 else f"{len(members)} members"


def _write(
    session: Session,
    root: Path,
    done: Changed,
    data: bytes,
    message: str,
    *,
    commit: bool,
    dry_run: bool,
) -> Changed:
    check_document(data, done.file, limit=YAML_LIMIT)
    changes = ChangeSet({done.file: data})
    if dry_run or not done.changed:
        return done
    check_git(session, changes.paths, commit=commit)
    changes.apply(root)
    made = commit_changes(session, changes.paths, message, commit=commit)
    return replace(done, staged=tuple(changes.paths), commit=made)
