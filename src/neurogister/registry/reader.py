"""Finds and reads: what a registry has, at one moment of its history."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING

from ..backends.gitvalues import FILE_MODES
from ..errors import NotFoundError
from ..progress import SILENT, Progress
from .contents import read_row
from .finder import Finder
from .history import State, read_history, versions_of, with_commit, with_current
from .layout import ARCHIVES, COLLECTION_FILE, DATA, DVC_CONFIG, REGISTRY_FILE
from .resolve import nearest, resolve, the_one
from .sources import open_repository
from .view import View
from .worktree import blob_id, read_worktree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ..backends.git import Repository
    from ..backends.gitvalues import TreeEntry
    from ..model.dataset import Collection, Dataset
    from ..model.ledger import Version
    from ..model.names import Target
    from ..model.package import Package, Vendor
    from ..model.query import Query
    from ..model.registryinfo import RegistryInfo
    from .searching import Found
    from .usedids import UsedIdentifiers


class Reader:
    """Shows a registry at one moment: a commit, or the work tree when it was first looked at.

    Parameters
    ----------
    repository : Repository
        Where the registry is.
    url : str
        What the user named: a path or URL.
    rev : str, optional
        The revision to show; None shows the work tree with what is not committed, or the default
        branch where there is no work tree.
    commit : str, optional
        The commit of that revision; None before the first commit.
    cache : Path
        The folder of caches, for the index.
    progress : Progress
        Told when something takes long.

    Attributes
    ----------
    root : Path or None
        The work tree, if its state now is what is shown.
    worktree : Path or None
        The work tree, whatever is shown.
    commit : str or None
        What is shown (the last commit of the work tree); None before the first commit.
    """

    def __init__(
        self,
        repository: Repository,
        *,
        url: str,
        rev: str | None,
        commit: str | None,
        cache: Path,
        progress: Progress = SILENT,
    ) -> None:
        self.url = url
        self.rev = rev
        self.worktree = repository.worktree
        self.root = repository.worktree if rev is None else None
        self.commit = commit
        self._repository = repository
        self._cache = cache
        self._progress = progress

    @cached_property
    def _database(self) -> Path:
        name = hashlib.sha256(self._repository.key.encode("utf-8", "surrogateescape")).hexdigest()
        return self._cache / "index" / f"{name[:16]}.db"

    @cached_property
    def _view(self) -> View:
        return View(
            self._repository,
            path=self._database,
            commit=self.commit,
            root=self.root,
            is_main=self.rev is None,
            progress=self._progress,
        )

    @cached_property
    def _used(self) -> UsedIdentifiers:
        from .usedids import UsedIdentifiers  # only who deposits needs it

        return UsedIdentifiers(self._repository, self._database.with_suffix(".ids.db"))

    @cached_property
    def _finder(self) -> Finder:
        return Finder(self._view)

    @property
    def repository(self) -> Repository:
        """The git repository, for who looks at more than what a registry says."""
        return self._repository

    # What there is.

    def info(self) -> RegistryInfo:
        """Return what ``registry.yaml`` says; the defaults, if there is none.

        Raises
        ------
        InvalidFileError
            If it is broken.
        """
        from ..model.registryinfo import RegistryInfo  # most commands need none of it

        archives = [path for path, _ in self._view.paths(ARCHIVES)]
        rows = self._view.rows([REGISTRY_FILE, *archives])
        said = {row.path: read_row(row, self._view.read_blobs) for row in rows}
        info: RegistryInfo = said.pop(REGISTRY_FILE, None) or RegistryInfo()
        return info.with_archives({each.name: each for each in said.values()})

    def datasets(self) -> list[Dataset]:
        """Return all datasets and resources, sorted by name; broken ones too, with their error."""
        return list(self._finder.contents.datasets)

    def packages(self) -> list[Package]:
        """Return all packages, sorted by name."""
        return list(self._finder.store.packages)

    def vendors(self) -> list[Vendor]:
        """Return all vendors, sorted by name."""
        return list(self._finder.store.vendors)

    def collections(self) -> list[Collection]:
        """Return all collections, sorted by name."""
        return list(self._finder.contents.collections)

    def described_collections(self) -> list[Collection]:
        """Return the collections that have a file, without looking at any dataset."""
        from .searching import read_collections  # few commands ask for these alone

        return read_collections(self._view)

    def find_collection(self, name: str) -> Collection | None:
        """Return a collection by its name, without looking at its datasets; None without a file.

        Raises
        ------
        InvalidFileError
            If its file is broken.
        """
        rows = self._view.rows([f"{DATA}{name}/{COLLECTION_FILE}"])
        found: Collection | None = read_row(rows[0], self._view.read_blobs) if rows else None
        return found

    def everything(self) -> list[Dataset]:
        """Return all datasets, resources and packages."""
        return list(self._finder.everything())

    # One of them.

    def get(self, name: str) -> Dataset:
        """Return the dataset, resource or package with this very name or identifier.

        Raises
        ------
        NotFoundError
            If there is none.
        UsageError
            If there are several.
        InvalidFileError
            If its file is broken.
        """
        found = self.find_name(name)
        if not found:
            near = nearest(name, self.everything())
            raise NotFoundError(
                f"there is no dataset or package {name!r}",
                hint=f"Perhaps {' or '.join(near)}?" if near else None,
            )
        return the_one(found, name)

    def find_name(self, name: str) -> list[Dataset]:
        """Return what has exactly this name, or this identifier whatever the case."""
        return self._finder.find_name(name)

    def find_names(self, names: Iterable[str]) -> dict[str, list[Dataset]]:
        """Return what `find_name` finds for many names of datasets, looked up in one go."""
        return self._finder.find_names(names)

    def find_place(self, path: str) -> list[Dataset]:
        """Return what lies at a path, that of the data, the pointer or the record."""
        return self._finder.find_place(path)

    def find_places(self, places: Iterable[str]) -> dict[str, list[Dataset]]:
        """Return what lies at many places, by place, looked up in one go; never a missing key."""
        found: dict[str, list[Dataset]] = {place: [] for place in places}
        for item in self._finder.at(found):
            found[item.place].append(item)
        return found

    def find_digest(self, digest: str) -> list[Dataset]:
        """Return what has, or had in an earlier version, content with a digest.

        Parameters
        ----------
        digest : str
            md5 (with or without ``.dir``), sha1, sha256 or blake3, in hexadecimal.
        """
        return self._finder.find_digest(digest)

    def search(self, query: Query, *, limit: int | None = None) -> Found:
        """Find what matches a query, sorted by name.

        Parameters
        ----------
        query : Query
            What must hold.
        limit : int, optional
            How many are wanted at most.
        """
        from .searching import search  # hardly any other command needs it

        return search(query, self._view, self._finder, limit=limit, progress=self._progress)

    def used_identifiers(self, keys: Iterable[str]) -> dict[str, str]:
        """Find which identifiers were ever given away, on any branch.

        Parameters
        ----------
        keys : iterable of str
            Identifiers in their case-folded form (`Identifier.key`).

        Returns
        -------
        dict
            Of those that were: the file that has, or had, each.
        """
        wanted = list(dict.fromkeys(keys))
        used = self._used.find(wanted)
        used |= {key: paths[0] for key in wanted if (paths := self._view.paths_of_id(key))}
        return used

    def resolve(self, names: Sequence[str], *, cwd: Path | None = None) -> list[Target]:
        """Find what names mean, as people type them (see `resolve.resolve`)."""
        return resolve(names, self._finder, worktree=self.worktree, cwd=cwd)

    # Bytes.

    def manifest_bytes(self, item: Dataset) -> bytes | None:
        """Return the content of ``NAME.manifest.csv``, if there is one."""
        return self.read_file(f"{item.place}.manifest.csv")

    def dvc_config_bytes(self) -> bytes | None:
        """Return the content of ``.dvc/config``, if there is one."""
        return self.read_file(DVC_CONFIG)

    def read_file(self, path: str) -> bytes | None:
        """Return the content of a file; None if there is none, or it is a link."""
        return self.read_files([path]).get(path)

    def read_files(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Return the contents of files by their paths, read in one go; missing ones are left out.

        Parameters
        ----------
        paths : iterable of str
            From the top of the registry, with ``/``.
        """
        wanted = list(dict.fromkeys(paths))
        if self.root is not None:
            files = {path: read_worktree(self.root, path) for path in wanted}
            return {
                path: file.data
                for path, file in files.items()
                if file is not None and file.mode in FILE_MODES
            }
        if self.commit is None:
            return {}
        entries = self._repository.find_entries(self.commit, wanted)
        oids = {
            path: entry.oid
            for path, entry in entries.items()
            if entry.mode in FILE_MODES and path in wanted
        }
        contents = dict(self._repository.read_blobs(oids.values()))
        return {path: contents[oid] for path, oid in oids.items()}

    def list_tree(self, prefix: str = "") -> list[TreeEntry]:
        """List the files below a folder in the commit that is shown, without reading them.

        What is not committed is left out; nothing is listed before the first commit.
        """
        if self.commit is None:
            return []
        return self._repository.list_tree(self.commit, prefix.strip("/"))

    def read_blobs(self, oids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Give contents by their ids (as `list_tree` has them), fetched in one go if need be."""
        return self._repository.read_blobs(oids)

    def fetch_blobs(self, oids: Iterable[str]) -> None:
        """Bring contents here in one go, so that reading each of them needs no network."""
        self._repository.fetch_blobs(list(dict.fromkeys(oids)))

    # History.

    def messages(self, word: str, *, since: Reader | None = None) -> list[str]:
        """Return the messages of commits that have a word in them, the newest first."""
        if self.commit is None:
            return []
        before = None if since is None else since.commit
        return self._repository.messages(self.commit, before, word)

    def history(self, item: Dataset) -> list[State]:
        """Return the distinct states of a pointer, the oldest first, from git's log.

        The last one has no commit, if the pointer in the work tree is not committed.
        """
        if item.pointer_path is None:
            return []
        states: list[State] = []
        if self.commit is not None:
            states = read_history(self._repository, self.commit, item.pointer_path)
        return with_current(states, item.pointer)

    def history_versions(self, item: Dataset) -> list[Version]:
        """Return the states of a pointer counted as versions: 1, 2, 3 …."""
        return versions_of(self.history(item))

    def start_ledgers(self, items: Sequence[Dataset]) -> Iterator[tuple[Dataset, list[Version]]]:
        """Give `history_versions` of many datasets; most have one state, found in one go."""
        repository, paths = self._repository, [each.path for each in items]
        single = {} if self.commit is None else repository.single_states(self.commit, "*.dvc")
        contents = self.read_files(paths)
        for item in items:
            commit = single.get(item.path)
            data = contents.get(item.path, b"")
            if commit is not None and commit.blob == blob_id(data, repository.object_format):
                yield item, versions_of(with_commit(item.pointer, commit))
            else:
                yield item, self.history_versions(item)

    def version(self, item: Dataset, version: str | int) -> Version:
        """Return one version of a dataset or package.

        From its ledger; without one, from the history of its pointer, counted 1, 2, 3 ….

        Raises
        ------
        NotFoundError
            If there is no such version; those that are known are listed.
        """
        known = list(item.versions) or self.history_versions(item)
        for each in known:
            if str(each.version) == str(version):
                return each
        numbers = ", ".join(str(each.version) for each in known[-20:])
        raise NotFoundError(
            f"{item.name} has no version {version}",
            hint=f"It has: {numbers}." if known else "It has no versions yet.",
        )

    def at(self, rev: str | None) -> Reader:
        """Return a reader of the same registry at another revision; None for now."""
        repository = self._repository
        return Reader(
            repository,
            url=self.url,
            rev=rev,
            commit=repository.find_head() if rev is None else repository.resolve(rev),
            cache=self._cache,
            progress=self._progress,
        )

    def refresh(self) -> None:
        """Look again: what is shown from now on is the registry as it is then."""
        self.close()
        if self.rev is None:
            self.commit = self._repository.find_head()

    def close(self) -> None:
        """Let go of the index; what is asked later opens it again."""
        for name in ("_view", "_used"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()
        self.__dict__.pop("_finder", None)


def open_reader(
    place: str | Path,
    *,
    rev: str | None = None,
    cache: Path,
    offline: bool = False,
    progress: Progress = SILENT,
) -> Reader:
    """Open a registry for reading.

    Parameters
    ----------
    place : str or Path
        A path inside a checkout (its top is found upward), a bare repository, or a git URL:
        ``https://…``, ``ssh://…``, ``git@host:…``, ``file://…``.
    rev : str, optional
        A commit, branch or tag; None shows the present state.
    cache : Path
        The folder of caches.
    offline : bool
        Whether the network may not be used.
    progress : Progress
        Told when something takes long.

    Raises
    ------
    NotFoundError
        If there is no repository, or no such revision.
    NetworkError, CredentialsError, OfflineError
        If a remote registry cannot be read.
    """
    repository = open_repository(place, cache=cache, offline=offline, progress=progress)
    # of a repository on this machine, HEAD is known since it was opened
    commit = repository.resolve(rev) if rev is not None else repository.head
    return Reader(
        repository,
        url=repository.name,
        rev=rev,
        commit=repository.find_head() if rev is None and commit is None else commit,
        cache=cache,
        progress=progress,
    )
