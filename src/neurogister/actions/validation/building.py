"""Finding out what is to be validated: which files differ, from what, and what will be there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...backends.gitvalues import Change, TreeEntry
from ...errors import NotFoundError
from ...registry.layout import DATA, STORE, classify
from ...registry.worktree import LINK, UNREADABLE_MODE, blob_id, read_worktree
from .submission import CONTRIBUTOR, MAINTAINER, MANIFEST_LIMIT, FileChange, Submission

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ...backends.git import Repository


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
