"""Vendors: names that nobody takes for others, and folders that only their maintainers change."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from ...errors import NeurogisterError
from ...model.fields import Fields
from ...model.package import Vendor
from ...model.paths import fold
from ...registry.layout import (
    PACKAGE,
    POINTER,
    STORE,
    VENDOR,
    VENDOR_FILES,
    classify,
    place_of,
    shelf_of,
)
from ..vendors import check_name
from .lookalikes import identifier_skeleton, skeleton
from .reading import finding
from .submission import MAINTAINER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ...backends.gitvalues import TreeEntry
    from ...model.finding import Finding
    from .submission import FileChange, Submission


def check_vendors(submission: Submission) -> Iterator[Finding]:
    """Check the folders of vendors that are added or changed."""
    touched = [each for each in submission.changes if each.path.startswith(STORE)]
    if not touched:
        return
    yield from _names(submission, touched)
    yield from _titles(submission, touched)
    yield from _files(submission, touched)
    yield from _owners(submission, touched)


def _described(tree: Iterable[str]) -> set[str]:
    """Return the folders that have a vendor's file."""
    return {
        folder
        for folder, _, name in (path.rpartition("/") for path in tree if path.startswith(STORE))
        if name in VENDOR_FILES and folder.count("/") in (1, 2)
    }


def _shelves(tree: Iterable[str], described: set[str]) -> dict[str, tuple[str | None, str]]:
    """Return department and name of each vendor by its folder: with a file, or with packages."""
    found: dict[str, tuple[str | None, str]] = {}
    for folder in described:
        first, _, second = folder.removeprefix(STORE).partition("/")
        found[folder] = (first, second) if second else (None, first)
    for path in tree:
        if path.startswith(STORE) and path.endswith(".dvc") and path.count("/") >= 2:
            shelf = shelf_of(place_of(path), described)
            folder = f"{STORE}{f'{shelf.department}/' if shelf.department else ''}{shelf.vendor}"
            found.setdefault(folder, (shelf.department, shelf.vendor))
    return found


def _names(submission: Submission, touched: list[FileChange]) -> Iterator[Finding]:
    """Names are plain, and those of new vendors and packages are nobody else's."""
    tree, before = submission.tree, submission.base_tree
    vendors = _shelves(tree, _described(tree))
    known = _shelves(before, _described(before))
    for each in touched:
        if each.mode is not None and each.old_mode is None:
            yield from _plain_names(each)
    old = {name for _, name in known.values()}
    old |= {f"{department}/" for department, _ in known.values() if department is not None}
    by_look: dict[str, set[str]] = defaultdict(set)
    folders: dict[str, list[str]] = defaultdict(list)
    for folder, (department, name) in vendors.items():
        by_look[identifier_skeleton(fold(name))].add(name)
        folders[name].append(folder)
        if department is not None:
            by_look[identifier_skeleton(fold(department))].add(f"{department}/")
    yield from _lookalikes(by_look, folders, old)
    for name, places in folders.items():
        new = [place for place in sorted(places) if place not in known]
        if len(places) > 1 and new:
            others = ", ".join(sorted(set(places) - {new[-1]}))
            yield finding("vendor-name", new[-1], f"there is a vendor {name!r} in {others} too",
                          offending=name)  # fmt: skip
    yield from _packages(submission, touched)


def _lookalikes(
    by_look: dict[str, set[str]], folders: dict[str, list[str]], old: set[str]
) -> Iterator[Finding]:
    """Find new vendors that look like others or like departments (which have ``/`` behind)."""
    for names in by_look.values():
        for name in sorted(names - old):
            other = next((each for each in sorted(names) if each != name), None)
            if other is None:
                continue
            if not name.endswith("/") or other.rstrip("/") in folders:
                place = next(iter(folders.get(name, [f"{STORE}{name}"])))
                yield finding("vendor-name", place.rstrip("/"), f"the name {name.rstrip('/')!r} is,"
                              f" or looks like, {other.rstrip('/')!r}", offending=name)  # fmt: skip


def _titles(submission: Submission, touched: list[FileChange]) -> Iterator[Finding]:
    """No vendor gives itself the title of another one."""
    changed = {each.path for each in touched if each.kind == VENDOR and each.is_file}
    if not changed:
        return
    files = [path for path in submission.tree if classify(path) == VENDOR]
    submission.prefetch(files)
    holders: dict[str, list[str]] = defaultdict(list)
    for path in files:
        document = submission.document(path)
        title = document.value.get("title") if document and isinstance(document.value, dict) else 0
        if isinstance(title, str):
            holders[identifier_skeleton(skeleton(title.strip()))].append(path)
    for paths in holders.values():
        others = [path for path in paths if path not in changed]
        for path in sorted(changed.intersection(paths)) if len(paths) > 1 else ():
            other = next(each for each in (*others, *paths) if each != path)
            yield finding(
                "vendor-name", submission.document(path) or path,
                f"its title is, or looks like, that of {other}", keys=("title",),
            )  # fmt: skip


def _plain_names(change: FileChange) -> Iterator[Finding]:
    parts = change.path.split("/")[1:]
    kinds = ["a department or vendor"] * (len(parts) - 1)
    if change.kind in (PACKAGE, POINTER):
        parts[-1] = place_of(parts[-1])
        kinds.append("a package")
    for part, kind in zip(parts, kinds, strict=False):
        try:
            check_name(part, kind)
        except NeurogisterError as error:
            yield finding("vendor-name", change, str(error), offending=part)


def _packages(submission: Submission, touched: list[FileChange]) -> Iterator[Finding]:
    """No two packages have one name, whatever the case and the department."""
    described = _described(submission.tree)
    names: dict[str, set[str]] = defaultdict(set)
    for path in submission.tree:
        if path.startswith(STORE) and classify(path) in (PACKAGE, POINTER) and path.count("/") > 1:
            place = place_of(path)
            names[fold(shelf_of(place, described).full_name)].add(place)
    new = {place_of(each.path) for each in touched
           if each.kind in (PACKAGE, POINTER) and each.old_mode is None}  # fmt: skip
    for places in names.values():
        for place in sorted(places & new) if len(places) > 1 else ():
            other = sorted(places - {place})[0]
            yield finding("package-name", place, f"{other} is a package of the same name",
                          offending=place)  # fmt: skip


def _files(submission: Submission, touched: list[FileChange]) -> Iterator[Finding]:
    """The folder of a package that is added or changed has a vendor's file."""
    described = _described(submission.tree)
    folders: dict[str, str] = {}
    for each in touched:
        if each.kind in (PACKAGE, POINTER) and each.mode is not None:
            shelf = shelf_of(place_of(each.path), described)
            middle = f"{shelf.department}/" if shelf.department else ""
            folders.setdefault(f"{STORE}{middle}{shelf.vendor}", each.path)
        elif each.kind == VENDOR and each.mode is None:
            folder = each.path.rpartition("/")[0]
            if any(path.startswith(f"{folder}/") for path in submission.tree):
                folders.setdefault(folder, each.path)
    severity = "warning" if submission.base is None else "error"
    for folder, path in sorted(folders.items()):
        if folder not in described:
            yield finding("vendor-file", path, f"{folder} has no vendor.yaml", severity=severity)


def _owners(submission: Submission, touched: list[FileChange]) -> Iterator[Finding]:
    """What is in another vendor's folder is theirs to change."""
    if submission.base is None or submission.scope == MAINTAINER:
        return
    before = submission.base_tree
    shelves = sorted(_shelves(before, _described(before)), key=len, reverse=True)
    by_vendor: dict[str, list[FileChange]] = defaultdict(list)
    for change in touched:
        folder = next((each for each in shelves if change.path.startswith(f"{each}/")), None)
        if folder is not None:
            by_vendor[folder].append(change)
    for folder, changes in sorted(by_vendor.items()):
        yield from _owned(submission, folder, changes)


def _owned(submission: Submission, folder: str, changes: list[FileChange]) -> Iterator[Finding]:
    accounts = {each.casefold() for each in _accounts(submission, folder, submission.base_tree)}
    actor = submission.actor.casefold().removeprefix("@") if submission.actor else None
    if actor is not None and actor in accounts:
        return
    people = {each for each in accounts if "/" not in each}
    some = f"{changes[0].path}{f' and {len(changes) - 1:,} more' if len(changes) > 1 else ''}"
    if actor is None or not people or people != accounts:
        yield finding("vendor-review", folder, f"{some}: this is the folder of a vendor, whose"
                      " maintainers should look at it", offending=submission.actor)  # fmt: skip
        return
    for change in changes:
        what = "says who maintains a vendor" if change.kind == VENDOR else "is a vendor's"
        others = ", ".join(sorted(people))
        yield finding("vendor-other", change, f"{what}, and {submission.actor} is not among its"
                      f" maintainers: {others}", offending=submission.actor)  # fmt: skip


def _accounts(submission: Submission, folder: str, tree: Mapping[str, TreeEntry]) -> Iterator[str]:
    """Give the accounts and teams that maintain a vendor, as its file says."""
    for name in VENDOR_FILES:
        document = submission.document(f"{folder}/{name}", tree)
        if document is None or document.error is not None or not isinstance(document.value, dict):
            continue
        for each in _maintainers(document.value, document.path):
            account = each.get("github") if isinstance(each, dict) else None
            if isinstance(account, str) and account:
                yield account.removeprefix("@")


def _maintainers(value: dict[str, Any], path: str) -> tuple[Any, ...]:
    try:
        return Vendor.from_fields(Fields(value, path), name="", department=None).maintainers
    except NeurogisterError:
        return ()
