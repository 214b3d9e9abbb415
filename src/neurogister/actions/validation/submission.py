"""What is validated: the files of a registry, those that a submission changes, and what was before.

Everything is read from git's objects by their ids, sizes before contents; a work tree with changes
that are not committed only where that is asked for, and following no link. Nothing is checked out,
and nothing of the submission decides how it is judged: policy, kinds of data and schemas are those
of the base.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...backends.gitvalues import FILE_MODES, TreeEntry
from ...errors import InvalidFileError, NotFoundError
from ...model.document import DocumentError, find_place, parse_document
from ...model.fields import Fields
from ...model.finding import Finding, shortened
from ...model.pointer import Pointer
from ...model.record import Record
from ...model.rulebook import get_rule
from ...registry.layout import (
    DATA,
    MANIFEST,
    PACKAGE,
    POINTER,
    POINTER_LIMIT,
    REGISTRY_FILE,
    RESOURCE,
    STORE,
    classify,
    size_limit,
)
from ...registry.lookups import identifier_in
from ...registry.worktree import LINK, UNREADABLE_MODE, blob_id, read_worktree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from ...backends.git import Repository
    from ...backends.gitvalues import Change
    from ...model.document import Keys
    from ...model.registryinfo import RegistryInfo

MANIFEST_LIMIT = 256 * 1024 * 1024
CONTRIBUTOR = "contributor"
MAINTAINER = "maintainer"
NOT_ASKED = object()
RELEASED = object()
WITH_RECORDS = frozenset({POINTER, RESOURCE, PACKAGE})


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that a submission adds, changes or removes.

    Parameters
    ----------
    path : str
        From the top of the registry.
    kind : str or None
        What kind of file that is (`layout.classify`).
    mode, oid : str, optional
        What it is now; None if it is removed.
    old_mode, old_oid : str, optional
        What it was where the submission started; None if it is new.
    """

    path: str
    kind: str | None
    mode: str | None
    oid: str | None
    old_mode: str | None = None
    old_oid: str | None = None

    @property
    def is_file(self) -> bool:
        """Whether it is an ordinary file, now."""
        return self.mode in FILE_MODES and self.oid is not None


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


class Submission:
    """What is validated.

    Parameters
    ----------
    repository : Repository
        Where it is.
    base : str, optional
        The commit that it is to be merged into; None validates everything by itself.
    start : str, optional
        The commit of the base that it started from.
    changes : list of FileChange
        What it changes; without a base, all files.
    tree : mapping of str to TreeEntry
        All files as they will be after the merge.
    contents : mapping of str to bytes
        Contents by id that git does not have: those of a work tree.
    actor : str, optional
        The account of whoever submits.
    scope : {'contributor', 'maintainer'}
        Whether it may only touch what contributors may.
    head : str, optional
        The commit that is looked at, or on which the work tree stands.
    """

    def __init__(
        self,
        repository: Repository,
        *,
        base: str | None,
        start: str | None,
        changes: list[FileChange],
        tree: Mapping[str, TreeEntry],
        contents: Mapping[str, bytes],
        actor: str | None = None,
        scope: str = MAINTAINER,
        head: str | None = None,
    ) -> None:
        self.repository = repository
        self.base = base
        self.start = start
        self.changes = changes
        self.tree = tree
        self.actor = actor
        self.scope = scope
        self.head = head
        self._contents = dict(contents)
        self._given = frozenset(contents)
        self._sizes: dict[str, int] = {oid: len(data) for oid, data in contents.items()}
        self._documents: dict[tuple[str, str], Document] = {}

    @cached_property
    def base_tree(self) -> Mapping[str, TreeEntry]:
        """The files of the base; empty without one."""
        if self.base is None:
            return {}
        return {each.path: each for each in self.repository.list_tree(self.base)}

    @cached_property
    def by_path(self) -> dict[str, FileChange]:
        """The changes by their paths."""
        return {each.path: each for each in self.changes}

    @cached_property
    def info(self) -> RegistryInfo:
        """What ``registry.yaml`` says: that of the base, or the own one where there is no base."""
        from ...model.registryinfo import RegistryInfo

        tree = self.base_tree if self.base is not None else self.tree
        document = self.document(REGISTRY_FILE, tree)
        if document is None or not isinstance(document.value, dict):
            return RegistryInfo()
        try:
            return RegistryInfo.from_fields(Fields(document.value, REGISTRY_FILE))
        except InvalidFileError:
            return RegistryInfo()  # `documents` tells of it

    # Contents.

    def size(self, oid: str) -> int | None:
        """Return how large a blob is; None if git does not know it."""
        if oid not in self._sizes:
            self.learn_sizes([oid])
        return self._sizes.get(oid)

    def learn_sizes(self, oids: Iterable[str]) -> None:
        """Ask for many sizes at once."""
        self._sizes |= self.repository.blob_sizes(each for each in oids if each not in self._sizes)

    def read(self, oids: Iterable[str], *, limit: int) -> None:
        """Read many blobs at once, those that are not larger than a limit."""
        wanted = [each for each in dict.fromkeys(oids) if each not in self._contents]
        self.learn_sizes(wanted)
        small = [each for each in wanted if self._sizes.get(each, limit + 1) <= limit]
        self._contents.update(self.repository.read_blobs(small))

    def content(self, oid: str, *, limit: int) -> bytes | None:
        """Return what a blob has; None if it is larger than a limit."""
        if oid not in self._contents:
            self.read([oid], limit=limit)
        data = self._contents.get(oid)
        return data if data is not None and len(data) <= limit else None

    def read_once(self, oid: str) -> bytes:
        """Return what a blob has, of any size, without keeping it."""
        if oid in self._contents:
            return self._contents[oid]
        return next(iter(self.repository.read_blobs([oid])))[1]

    def prefetch(self, paths: Iterable[str], tree: Mapping[str, TreeEntry] | None = None) -> None:
        """Read files together that are about to be looked at."""
        tree = self.tree if tree is None else tree
        by_limit: dict[int, list[str]] = {}
        for path in paths:
            entry = tree.get(path)
            if entry is not None and entry.mode in FILE_MODES:
                by_limit.setdefault(_limit(path), []).append(entry.oid)
        for limit, oids in by_limit.items():
            self.read(oids, limit=limit)

    def document(self, path: str, tree: Mapping[str, TreeEntry] | None = None) -> Document | None:
        """Return what a YAML file says; None if there is none, or it is too large.

        Parameters
        ----------
        path : str
            The file.
        tree : mapping, optional
            Where: `base_tree`; without it, as the files will be.
        """
        entry = (self.tree if tree is None else tree).get(path)
        if entry is None or entry.mode not in FILE_MODES:
            return None
        return self._document(path, entry.oid)

    def old_document(self, change: FileChange) -> Document | None:
        """Return what a file said where the submission started."""
        if change.old_oid is None or change.old_mode not in FILE_MODES:
            return None
        return self._document(change.path, change.old_oid)

    def _document(self, path: str, oid: str) -> Document | None:
        key = (path, oid)
        if key not in self._documents:
            data = self.content(oid, limit=size_limit(path))
            if data is None:
                return None
            self._documents[key] = _parsed(path, data)
        return self._documents[key]

    def manifest(self, path: str, tree: Mapping[str, TreeEntry] | None = None) -> bytes | None:
        """Return the content of a manifest; None if there is none."""
        entry = (self.tree if tree is None else tree).get(path)
        if entry is None or entry.mode not in FILE_MODES:
            return None
        return self.content(entry.oid, limit=MANIFEST_LIMIT)

    def forget(self, paths: Iterable[str]) -> None:
        """Let go of contents that are not looked at again soon; git has them."""
        for path in paths:
            entry = self.tree.get(path)
            if entry is not None and entry.oid not in self._given:
                self._contents.pop(entry.oid, None)

    def documents(self, *kinds: str) -> list[Document]:
        """Return the changed files of some kinds that can be read as YAML."""
        found = [
            self.document(each.path) for each in self.changes if each.kind in kinds and each.is_file
        ]
        return [each for each in found if each is not None and each.error is None]


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


def build_submission(
    repository: Repository,
    *,
    head: str | None,
    base: str | None = None,
    staged: bool = False,
    root: Path | None = None,
    overlay: Mapping[str, bytes | None] | None = None,
    actor: str | None = None,
    scope: str | None = None,
) -> Submission:
    """Find out what is to be validated.

    Parameters
    ----------
    repository : Repository
        Where.
    head : str, optional
        The commit; None before the first one.
    base : str, optional
        The commit that it is to be merged into; None validates everything.
    staged : bool
        Whether what is staged is looked at in place of `head`.
    root : Path, optional
        The work tree, if its changes are looked at too.
    overlay : mapping of str to bytes, optional
        Files that are about to be written on top (None: removed).
    actor, scope : str, optional
        As of `Submission`; if nothing is said, contributors are those with a base who touch
        ``data/`` or ``store/``.

    Raises
    ------
    NotFoundError
        If the two commits have no history in common.
    """
    empty = repository.empty_tree
    target = repository.write_staged_tree() if staged else head or empty
    start = None if base is None else _start(repository, base, head)
    changed = {each.path: each for each in repository.diff_trees(start or empty, target)}
    contents: dict[str, bytes] = {}
    if root is not None and not staged:
        for change in repository.uncommitted(head, ["*"]):
            changed[change.path] = _as_it_is(change, root, repository, contents)
    for path, data in (overlay or {}).items():
        changed[path] = _planned(path, data, repository, contents)
    before = {}
    if start is not None:
        before = {each.path: each for each in repository.list_tree(start)}
    changes = [
        each for each in (_change(it, before.get(it.path)) for it in changed.values())
        if (each.mode, each.oid) != (each.old_mode, each.old_oid)
    ]  # fmt: skip
    submission = Submission(
        repository,
        base=base,
        start=start,
        changes=sorted(changes, key=lambda each: each.path),
        tree={},
        contents=contents,
        actor=actor,
        scope=scope or _usual_scope(base, changes),
        head=head,
    )
    tree = dict(before if start == base else submission.base_tree)
    if start == base:
        submission.__dict__["base_tree"] = before  # it was listed already
    for each in submission.changes:
        if each.mode is None:
            tree.pop(each.path, None)
        else:
            tree[each.path] = TreeEntry(each.path, each.mode, each.oid or "")
    submission.tree = tree
    return submission


def _usual_scope(base: str | None, changes: Sequence[FileChange]) -> str:
    """Take who touches data for a contributor; what touches only code is judged by others."""
    if base is None or not any(each.path.startswith((DATA, STORE)) for each in changes):
        return MAINTAINER
    return CONTRIBUTOR


def _start(repository: Repository, base: str, head: str | None) -> str:
    if head is None:
        return base
    start = repository.merge_base(base, head)
    if start is None:
        raise NotFoundError(
            f"{head[:12]} and {base[:12]} have no history in common",
            hint="If this is a shallow clone, fetch the history: `git fetch --unshallow`, or"
            " `fetch-depth: 0` of actions/checkout.",
        )
    return start


def _as_it_is(
    change: Change, root: Path, repository: Repository, contents: dict[str, bytes]
) -> Change:
    """Return a change with the id of its content, read now if git has not stored it."""
    if change.mode is None or change.oid is not None:
        return change
    file = read_worktree(root, change.path, limit=MANIFEST_LIMIT)
    if file is None:
        mode = UNREADABLE_MODE if "\\" in change.path else None
        return change._replace(mode=mode)
    if file.mode == LINK:
        return change._replace(mode=LINK)
    oid = blob_id(file.data, repository.object_format)
    contents[oid] = file.data
    return change._replace(mode=file.mode, oid=oid)


def _planned(
    path: str, data: bytes | None, repository: Repository, contents: dict[str, bytes]
) -> Change:
    from ...backends.gitvalues import Change

    if data is None:
        return Change(path, None, None)
    oid = blob_id(data, repository.object_format)
    contents[oid] = data
    return Change(path, "100644", oid)


def _change(now: Change, before: TreeEntry | None) -> FileChange:
    return FileChange(
        path=now.path,
        kind=classify(now.path),
        mode=now.mode,
        oid=now.oid,
        old_mode=before.mode if before else None,
        old_oid=before.oid if before else None,
    )


def _limit(path: str) -> int:
    return MANIFEST_LIMIT if classify(path) == MANIFEST else size_limit(path)


def _parsed(path: str, data: bytes) -> Document:
    kind = classify(path)
    try:
        value = parse_document(data, path, limit=size_limit(path))
    except DocumentError as error:
        return Document(path, kind, data, error.located(data))
    except InvalidFileError as error:
        return Document(path, kind, data, error)
    return Document(path, kind, data, None, value)


def changed_paths(submission: Submission, kinds: Sequence[str]) -> list[str]:
    """List the changed files of some kinds that are there."""
    return [each.path for each in submission.changes if each.kind in kinds and each.is_file]
