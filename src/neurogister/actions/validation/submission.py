"""What is validated: the files of a registry, those that a submission changes, and what was before.

Everything is read from git's objects by their ids, sizes before contents; a work tree with changes
that are not committed only where that is asked for, and following no link. Nothing is checked out,
and nothing of the submission decides how it is judged: policy, kinds of data and schemas are those
of the base.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ...backends.gitvalues import FILE_MODES, TreeEntry
from ...errors import InvalidFileError
from ...model.fields import Fields
from ...registry.layout import (
    MANIFEST,
    PACKAGE,
    POINTER,
    REGISTRY_FILE,
    RESOURCE,
    classify,
    size_limit,
)
from .reading import Document, read_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ...backends.git import Repository
    from ...model.registryinfo import RegistryInfo

MANIFEST_LIMIT = 256 * 1024 * 1024
CONTRIBUTOR = "contributor"
MAINTAINER = "maintainer"
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

    @cached_property
    def given(self) -> list[tuple[str, str, str]]:
        """What may be identifiers in all of the base's history (`usedids.find_given`), read once.

        Of 100,000 datasets that takes most of the time that validation takes.
        """
        from ...registry.usedids import find_given  # not every submission has a new identifier

        return [] if self.base is None else find_given(self.repository, self.base)

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
            self._documents[key] = read_document(path, data)
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


def _limit(path: str) -> int:
    return MANIFEST_LIMIT if classify(path) == MANIFEST else size_limit(path)


def changed_paths(submission: Submission, kinds: Sequence[str]) -> list[str]:
    """List the changed files of some kinds that are there."""
    return [each.path for each in submission.changes if each.kind in kinds and each.is_file]
