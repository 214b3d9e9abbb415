"""What git itself keeps of a submission: which paths it touches, their modes, names and sizes."""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ...backends.gitvalues import LINK_MODE, SUBMODULE_MODE
from ...model.paths import check_path, fold
from ...model.pointer import SUFFIX
from ...registry.layout import (
    ARCHIVES,
    COLLECTION,
    DATA,
    MANIFEST,
    PACKAGE,
    POINTER,
    RESOURCE,
    STORE,
    VENDOR,
    size_limit,
)
from .lookalikes import is_mixed, skeleton
from .ownobjects import is_added_object, object_folders
from .reading import finding
from .submission import CONTRIBUTOR, MANIFEST_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...model.finding import Finding
    from .submission import FileChange, Submission

_OURS = (DATA, STORE)
_KINDS = frozenset({POINTER, RESOURCE, PACKAGE, COLLECTION, VENDOR, MANIFEST})
_IGNORE = ".gitignore"
_KEEP = (".gitkeep", ".gitignore")
_SMALL_LIMIT = 64 * 1024
_CHANGING = ("working-tree-encoding", "filter", "ident", "export-subst", "export-ignore")
_HIDING = ("diff", "binary", "linguist-generated", "gitlab-generated", "merge")
_SEEN = (
    "data/collection/name.dvc", "data/collection/name.yaml", "data/collection/collection.yaml",
    "store/vendor/package.dvc", "store/vendor/package.yaml", "store/vendor/vendor.yaml",
    "registry.yaml", ".dvc/config",
)  # fmt: skip
_NEEDED = (".gitattributes", ".gitmodules", ".lfsconfig", ".mailmap")
_FOLDERS = ("data", "store", "archives", "schemas", ".dvc")
_TWINS = ("data", "store")  # `Data/` is the same folder where case does not count
_STRANGE = {LINK_MODE: "a symbolic link", SUBMODULE_MODE: "a submodule"}


def check_tree(submission: Submission) -> Iterator[Finding]:
    """Check paths, modes and sizes of what is changed, before anything is read."""
    submission.learn_sizes(each.oid for each in submission.changes if each.is_file and each.oid)
    within = [each for each in submission.changes if _is_within(each.path)]
    strict = submission.scope == CONTRIBUTOR
    objects = object_folders(submission) if strict else ()
    for change in submission.changes:
        if is_added_object(change, objects):
            continue  # `ownobjects` looks at it
        if strict and not change.path.startswith(_OURS):
            yield from _outside(change)
        elif _is_within(change.path) and change.mode is not None:
            yield from _file(submission, change)
        elif change.path.rpartition("/")[2] in _NEEDED and change.mode is not None:
            yield from _attributes(submission, change)
    yield from _collisions(submission, within)


def _is_within(path: str) -> bool:
    if path.startswith((*_OURS, ARCHIVES)):
        return True
    return fold(path.partition("/")[0]) in _TWINS or path in _FOLDERS


def _outside(change: FileChange) -> Iterator[Finding]:
    verb = "removes" if change.mode is None else "adds" if change.old_mode is None else "changes"
    yield finding(
        "outside-submission", change, f"the submission {verb} a file outside data/ and store/",
        offending=change.path,
    )  # fmt: skip


def _file(submission: Submission, change: FileChange) -> Iterator[Finding]:
    if (strange := _mode(change)) is not None:
        yield strange
    own = change.path.rpartition("/")
    try:
        check_path(own[0] if own[2] in _KEEP and own[0] else change.path)
    except (ValueError, UnicodeError) as error:
        yield finding("path-name", change, f"the path {error}", offending=change.path)
        return
    if any(is_mixed(each) for each in change.path.split("/")):
        yield finding(
            "lookalike-name", change, "the name mixes letters of several alphabets",
            offending=change.path,
        )  # fmt: skip
    if change.path.startswith(_OURS) and not _is_expected(change):
        yield finding("unexpected-file", change, "is no file of a registry", offending=change.path)
        return
    if change.is_file:
        yield from _size(submission, change)
        if change.path.endswith(f"/{_IGNORE}"):
            yield from _ignored(submission, change)


def _mode(change: FileChange) -> Finding | None:
    if change.mode == "100644":
        return None
    if change.mode == "100755":
        return finding("file-mode", change, "is executable", offending=change.mode)
    what = _STRANGE.get(change.mode or "", f"of the mode {change.mode}")
    return finding("file-mode", change, f"is {what}", offending=change.mode, fixable=False)


def _is_expected(change: FileChange) -> bool:
    name = change.path.rpartition("/")[2]
    return change.kind in _KINDS or name in _KEEP


def _size(submission: Submission, change: FileChange) -> Iterator[Finding]:
    size = submission.size(change.oid or "") or 0
    limit = _SMALL_LIMIT if change.kind is None else size_limit(change.path)
    if change.kind == MANIFEST:
        limit = MANIFEST_LIMIT
    if size > limit:
        yield finding(
            "file-size", change, f"has {size:,} bytes; {limit:,} is the most for such a file"
        )


def _ignored(submission: Submission, change: FileChange) -> Iterator[Finding]:
    data = submission.content(change.oid or "", limit=_SMALL_LIMIT)
    before = set(_lines(submission, change.old_oid))
    for number, line in superfluous_lines(submission, posixpath.dirname(change.path), data or b""):
        if line in before:
            continue  # nothing that this submission brings
        yield finding(
            "gitignore-line", change, f"line {number} hides more than the data of a pointer",
            line=number, offending=line,
        )  # fmt: skip


def superfluous_lines(
    submission: Submission, folder: str, data: bytes
) -> Iterator[tuple[int, str]]:
    """Give the lines of a ``.gitignore`` that are not the data of a pointer beside it.

    What was withdrawn may still lie on disks: it must not be added to git either.
    """
    for number, each in enumerate(data.split(b"\n"), 1):
        line = each.decode("utf-8", "replace").removesuffix("\r")
        name = line.strip().removeprefix("/").removesuffix("/")
        if not name or line.startswith("#"):
            continue
        name = re.sub(r"\\(.)", r"\1", name)  # as `escaped` writes it
        holders = (f"{folder}/{name}.dvc", f"{folder}/{name}.yaml")
        if not line.startswith("/") or not any(each in submission.tree for each in holders):
            yield number, line


def _lines(submission: Submission, oid: str | None) -> list[str]:
    data = submission.content(oid, limit=_SMALL_LIMIT) if oid else None
    return (data or b"").decode("utf-8", "replace").splitlines()


def _attributes(submission: Submission, change: FileChange) -> Iterator[Finding]:
    name = change.path.rpartition("/")[2]
    if name != ".gitattributes":
        yield finding("git-settings", change, f"{name} changes what git does with files")
        return
    for number, line in enumerate(_lines(submission, change.oid), 1):
        pattern, *words = line.split("#")[0].split() or [""]
        for word in words:
            attribute = word.lstrip("-!").partition("=")[0]
            if attribute in _CHANGING:
                what = f"the attribute {attribute} changes content"
            elif attribute in _HIDING and _is_about_ours(pattern):
                what = f"the attribute {attribute} hides changes of pointers and records"
            else:
                continue
            yield finding("git-settings", change, what, line=number, offending=line)


def _is_about_ours(pattern: str) -> bool:
    """Tell whether a pattern may fit files that people must see in a review."""
    if pattern.startswith("[attr]"):
        return True  # a name for several attributes, to be used anywhere
    names = [pattern.lstrip("/"), f"{pattern.strip('/')}/*"]
    return any(
        fnmatchcase(each, name)
        for path in _SEEN
        for each in (path, path.rpartition("/")[2])
        for name in names
    )


def _collisions(submission: Submission, within: list[FileChange]) -> Iterator[Finding]:
    """Find paths that are one path, or look so, where case and look-alikes do not count."""
    new = {each.path for each in within if each.mode is not None and each.old_mode is None}
    if not new:
        return
    seen: dict[str, str] = {}
    looks: dict[str, str] = {}
    existing = [path for path in submission.tree if path not in new and _is_within(path)]
    for path in (*existing, *sorted(new)):
        clash = _clash(path, seen, new)
        if clash is not None:
            yield finding(
                "path-collision", path, f"differs from {clash!r} in case or form only",
                offending=path,
            )  # fmt: skip
        elif path in new or not path.isascii():
            other = _lookalike(path, seen, looks)
            if path in new and other is not None:
                yield finding(
                    "lookalike-name", path, f"looks like {other!r}, which is there already",
                    offending=path,
                )  # fmt: skip
    yield from _both(submission, new)


def _clash(path: str, seen: dict[str, str], new: set[str]) -> str | None:
    """Note a path and its folders; return another one that it is, if there is one."""
    found: str | None = None
    end = len(path)
    while end > 0:
        part = path[:end]
        other = seen.setdefault(fold(part), part)
        if other == part and end < len(path):
            break  # and so its parents are known
        if other != part and path in new:
            found = other
        end = path.rfind("/", 0, end)
    return found


def _lookalike(path: str, seen: dict[str, str], looks: dict[str, str]) -> str | None:
    """Note what a path and its folders look like; return another one that looks like it."""
    found: str | None = None
    end = len(path)
    while end > 0:
        part = path[:end]
        if part.isascii():
            break  # and so are its parents; others are compared with it, by `seen`
        look = skeleton(part)
        other = looks.setdefault(look, part)
        if other == part:
            other = seen.get(look, part)
        if other != part and fold(other) != fold(part):
            found = other
        end = path.rfind("/", 0, end)
    return found


def _both(submission: Submission, new: set[str]) -> Iterator[Finding]:
    """Find what is a file and, through a pointer, a folder of data with files of git inside."""
    for path in sorted(new):
        parts = path.split("/")
        for length in range(2, len(parts)):
            folder = "/".join(parts[:length])
            if f"{folder}.dvc" in submission.tree:
                yield finding(
                    "nested-pointer", path, f"lies in a folder whose data {folder}.dvc describes",
                    offending=path,
                )  # fmt: skip
    pointers = {path.removesuffix(SUFFIX): path for path in new if path.endswith(SUFFIX)}
    if not pointers:
        return
    for path in submission.tree:
        end = len(path)
        while end > 0:
            pointer = pointers.get(path[:end])
            if pointer is not None:
                yield finding(
                    "nested-pointer", pointer, f"describes what git keeps itself: {path}",
                    offending=pointer,
                )  # fmt: skip
            end = path.rfind("/", 0, end)
