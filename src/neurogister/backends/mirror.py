"""A remote registry's git, as far as it was needed: a bare, partial, shallow copy in the cache.

At first only the newest commit with its folders comes; files come when they are read, all that one
command needs in one request. History comes when a revision needs it. The copy may be deleted at any
time; a damaged one is made again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..errors import (
    CredentialsError,
    NetworkError,
    NeurogisterError,
    NotFoundError,
    OfflineError,
    RefusedError,
    UsageError,
)
from ..progress import SILENT, Progress
from .git import Repository, is_full_id
from .gitprogram import check_argument, redacted
from .mirrorcopy import MirrorCopy, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import TypeVar

    from .gitvalues import Change, Commit, TreeEntry

    Result = TypeVar("Result")

_NAME = re.compile(r"\A(?!.*(?:\.\.|@\{|//|\.lock\Z|[./]\Z))[^~^:*?\[\\\s]+\Z")
_HEX = re.compile(r"\A[0-9a-f]{4,64}\Z")
_ONLINE = "Run it once without `--offline`."

# What says nothing about the state of the copy.
_NOT_DAMAGE = (NetworkError, CredentialsError, OfflineError, RefusedError, UsageError)


class Mirror(Repository):
    """A copy of a remote repository, which grows with what is asked of it.

    Parameters
    ----------
    url : str
        Where the repository is.
    cache : Path
        The folder of caches; the copy is in ``registries/`` there.
    offline : bool
        Whether the network may not be used.
    progress : Progress
        Told when something is fetched.
    """

    def __init__(
        self, url: str, cache: Path, *, offline: bool = False, progress: Progress = SILENT
    ) -> None:
        check_argument(url, "git URL")
        self._copy = MirrorCopy(url, cache, offline=offline, progress=progress)
        folder = self._copy.folder
        super().__init__(git=self._copy.git, git_dir=folder, common_dir=folder, offline=offline)
        self.url = url

    @property
    def name(self) -> str:
        """What people call it: its URL, without a password."""
        return redacted(self.url)

    # Revisions.

    def resolve(self, rev: str) -> str:
        """Return the commit that a revision means, after fetching what is needed to know it.

        Raises
        ------
        NotFoundError, UsageError
            If there is none, or several.
        OfflineError, NetworkError, CredentialsError
            If it cannot be found out.
        """
        check_argument(rev, "revision")
        if is_full_id(rev):
            return self._resolve_id(rev)
        if self.offline:
            return self._resolve_offline(rev)
        if _NAME.match(rev) and (commit := self._resolve_name(rev)) is not None:
            return commit
        copy = self._copy
        if _HEX.match(rev) and copy.has_history and (commit := copy.find_commit(rev)) is not None:
            return commit
        copy.fetch_history()
        return self._found(rev, copy.find_commit(rev))

    def find_head(self) -> str | None:
        """Return the commit of the default branch."""
        return self.resolve("HEAD")

    def _resolve_id(self, oid: str) -> str:
        if (commit := self._copy.find_commit(oid)) is not None:
            return commit
        self._require_network(f"the commit {oid}")
        try:
            self._copy.fetch_commit(oid)
        except (UnsupportedError, NotFoundError):
            self._copy.fetch_history()
        return self._found(oid, self._copy.find_commit(oid))

    def _resolve_name(self, name: str) -> str | None:
        """Ask the server what a branch or tag is, and fetch that commit if it is not here."""
        found = self._copy.ask(name)
        if found is None:
            return None
        ref, commit = found
        if self._copy.find_commit(commit) is not None:
            self._copy.remember(name, commit)
            return commit
        self._copy.fetch_name(name, ref, commit)
        return self._copy.find_name(name)

    def _resolve_offline(self, rev: str) -> str:
        commit = self._copy.find_name(rev) or self._copy.find_commit(rev)
        if commit is None:
            self._require_network(f"the revision {rev!r}")
        return self._found(rev, commit)

    def _found(self, rev: str, commit: str | None) -> str:
        if commit is not None:
            return commit
        raise NotFoundError(
            f"{self.name} has no revision {rev!r}",
            hint="`git ls-remote URL` lists its branches and tags.",
        )

    def _require_network(self, what: str) -> None:
        if self.offline:
            raise OfflineError(f"{what} of {self.name}: not in the cache", hint=_ONLINE)

    # Content.

    def list_tree(self, commit: str, prefix: str = "") -> list[TreeEntry]:
        """List the files of a commit (see `Repository.list_tree`)."""
        return self._mended(commit, lambda: super(Mirror, self).list_tree(commit, prefix))

    def find_entries(self, commit: str, paths: Sequence[str]) -> dict[str, TreeEntry]:
        """Find files of a commit (see `Repository.find_entries`)."""
        return self._mended(commit, lambda: super(Mirror, self).find_entries(commit, paths))

    def diff_trees(self, old: str, new: str) -> list[Change]:
        """List what differs between two commits (see `Repository.diff_trees`)."""
        if self._copy.find_commit(old) is None:
            raise NotFoundError(f"the commit {old} of {self.name}: not in the cache")
        return self._mended(new, lambda: super(Mirror, self).diff_trees(old, new))

    def log(self, commit: str, path: str) -> list[Commit]:
        """List the commits that changed a file (see `Repository.log`); history is fetched."""
        if not self._copy.has_history:
            self._require_network("the history")
            self._copy.fetch_history()
        return self._mended(commit, lambda: super(Mirror, self).log(commit, path))

    def read_blobs(
        self, oids: Iterable[str], *, limit: int | None = None
    ) -> Iterator[tuple[str, bytes]]:
        """Read many blobs (see `Repository.read_blobs`)."""
        left = list(dict.fromkeys(oids))
        making = self._copy.making
        done = 0
        try:
            for pair in super().read_blobs(left, limit=limit):
                yield pair
                done += 1
        except NeurogisterError as error:
            if isinstance(error, _NOT_DAMAGE):
                raise
            self._start_again(error, making)
            yield from super().read_blobs(left[done:], limit=limit)

    def fetch_blobs(self, oids: Sequence[str]) -> None:
        """Bring those objects here that are not, all at once (see `Repository.fetch_blobs`)."""
        missing = oids
        if self._copy.is_made:
            missing = self._mended(None, lambda: self.missing(oids))
        if missing:
            self._require_network(f"{len(missing)} files")
            # another process may bring them while we wait for it
            self._copy.fetch_objects(lambda: self.missing(missing))

    # Damage.

    def _mended(self, commit: str | None, operation: Callable[[], Result]) -> Result:
        """Do something with the copy; if it turns out to be damaged, make it again before."""
        making = self._copy.making
        try:
            return operation()
        except NeurogisterError as error:
            if isinstance(error, _NOT_DAMAGE):
                raise
            self._start_again(error, making)
            if commit is not None:
                self._resolve_id(commit)
            return operation()

    def _start_again(self, error: NeurogisterError, making: object) -> None:
        if self.offline:
            raise OfflineError(
                f"the cached copy of {self.name} is damaged: {error.message}", hint=_ONLINE
            ) from error
        self._copy.start_again(making)
