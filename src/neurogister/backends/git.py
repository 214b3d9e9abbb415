"""Reading a git repository that is on this machine: trees, blobs, changes; history is beside."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NotFoundError, OfflineError
from .gitbatch import finished, read_batch
from .githistory import History
from .gitprogram import Git, check_argument
from .gitvalues import (
    Change,
    TreeEntry,
    decode_path,
    parse_changes,
    parse_tree_entry,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_EMPTY_TREES = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
_HEAD = "HEAD^{commit}"
_CORES = 2
_LITERALLY = {"GIT_LITERAL_PATHSPECS": "1"}
_FULL_ID = re.compile(r"\A(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")


class Repository(History):
    """A repository on this machine.

    Parameters
    ----------
    git : Git
        The program, bound to it.
    git_dir : Path
        Where git keeps its things; of a linked work tree, its own part of that.
    common_dir : Path
        Where objects and configuration are.
    worktree : Path, optional
        The top of the work tree; none if it is bare.
    object_format : {'sha1', 'sha256'}
    head : str, optional
        The commit of ``HEAD`` when it was opened; none if there was no commit yet.
    offline : bool
        Whether the network may not be used (a partial clone then has only what it has).
    """

    def __init__(
        self,
        *,
        git: Git,
        git_dir: Path,
        common_dir: Path,
        worktree: Path | None = None,
        object_format: str = "sha1",
        head: str | None = None,
        offline: bool = False,
    ) -> None:
        self.git = git
        self.git_dir = git_dir
        self.common_dir = common_dir
        self.worktree = worktree
        self.object_format = object_format
        self.head = head
        self.offline = offline

    @classmethod
    def open(cls, folder: Path, *, offline: bool = False) -> Repository:
        """Open a repository.

        Parameters
        ----------
        folder : Path
            The top of a work tree, or a bare repository (`find_top` finds it).
        offline : bool
            Whether the network may not be used.

        Raises
        ------
        NotFoundError
            If it is none.
        RefusedError
            If it belongs to somebody else whom the user did not call trusted.
        """
        git = Git(folder)
        code, output, complaint = git.attempt(
            "rev-parse",
            "--is-bare-repository",
            "--absolute-git-dir",
            "--git-common-dir",
            "--show-object-format",
            _HEAD,
        )
        words = output.decode("utf-8", "surrogateescape").split("\n")
        if len(words) < 5:
            raise git.error(complaint, "rev-parse")
        bare, git_dir, common, object_format, head = words[:5]
        return cls(
            git=git,
            git_dir=Path(git_dir),
            common_dir=folder / common,
            worktree=None if bare == "true" else folder,
            object_format=object_format,
            head=head if code == 0 else None,
            # A bare repository may itself come from a stranger, inside a checkout: what its
            # configuration says of remotes is not followed.
            offline=offline or bare == "true",
        )

    @property
    def empty_tree(self) -> str:
        """The id of the tree without files."""
        return _EMPTY_TREES[self.object_format]

    @property
    def name(self) -> str:
        """What people call it: its folder."""
        return str(self.worktree or self.git_dir)

    @property
    def key(self) -> str:
        """What tells this repository from others on this machine."""
        return str(self.git_dir)

    def resolve(self, rev: str) -> str:
        """Return the commit that a revision means.

        Raises
        ------
        NotFoundError, UsageError
            If there is none, or several.
        """
        check_argument(rev, "revision")
        code, output, complaint = self.git.attempt("rev-parse", "--verify", f"{rev}^{{commit}}")
        if code == 0:
            return output.decode().strip()
        error = self.git.error(complaint, "rev-parse")
        if type(error) is NotFoundError:
            raise NotFoundError(f"there is no revision {rev!r}", hint=error.hint)
        raise error

    def list_tree(self, commit: str, prefix: str = "") -> list[TreeEntry]:
        """List the files of a commit (not the folders), in git's order.

        Parameters
        ----------
        commit : str
            A commit or tree.
        prefix : str
            A folder or file; without it, everything.
        """
        paths = ("--", prefix) if prefix else ()
        output = self.git.run(
            "ls-tree", "-r", "-z", "--full-tree", commit, *paths,
            network=not self.offline, environment=_LITERALLY,
        )  # fmt: skip
        return [parse_tree_entry(line) for line in output.split(b"\0") if line]

    def find_entries(self, commit: str, paths: Sequence[str]) -> dict[str, TreeEntry]:
        """Find files of a commit by their paths; those that it does not have are left out."""
        found: dict[str, TreeEntry] = {}
        for start in range(0, len(paths), 500):
            output = self.git.run(
                "ls-tree", "-z", "--full-tree", commit, "--", *paths[start : start + 500],
                network=not self.offline, environment=_LITERALLY,
            )  # fmt: skip
            entries = [parse_tree_entry(line) for line in output.split(b"\0") if line]
            found.update((entry.path, entry) for entry in entries)
        return found

    def diff_trees(self, old: str, new: str) -> list[Change]:
        """List the files that differ between two commits or trees, as the second has them."""
        output = self.git.run(
            "diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new
        )
        return list(parse_changes(output))

    def uncommitted(self, commit: str | None, patterns: Sequence[str]) -> list[Change]:
        """List the files in which the work tree differs from a commit.

        Parameters
        ----------
        commit : str, optional
            None where there is no commit yet.
        patterns : sequence of str
            Which files that git does not know are of interest, as ``*.dvc``. Of those that it
            knows, all are listed.
        """
        tracked = self.git.start(
            "diff-index", "-z", "--raw", "--no-renames", "--no-abbrev",
            "--ignore-submodules=all", commit or self.empty_tree, "--",
            config=_one_at_a_time(),
        )  # fmt: skip
        with finished(tracked):
            new = self.git.run("ls-files", "-o", "-z", "--exclude-standard", "--", *patterns)
            output, complaint = tracked.communicate()
        if tracked.returncode != 0:
            raise self.git.error(complaint.decode("utf-8", "replace"), "diff-index")
        changes = {change.path: change for change in parse_changes(output)}
        for path in new.split(b"\0"):
            if path and not path.endswith(b"/"):
                name = decode_path(path)
                changes[name] = Change(name, "100644", None)
        return list(changes.values())

    def read_blobs(
        self, oids: Iterable[str], *, limit: int | None = None
    ) -> Iterator[tuple[str, bytes]]:
        """Read many blobs in one go; those that are not here are fetched in one go before.

        Parameters
        ----------
        oids : iterable of str
            Their ids.
        limit : int, optional
            Of larger blobs, only that many bytes and one more are returned.

        Yields
        ------
        (str, bytes)
            Id and content, in the order asked for.

        Raises
        ------
        OfflineError, NetworkError
            If some are not here and cannot be fetched.
        """
        left = list(dict.fromkeys(oids))
        fetched = False
        while left:
            done = 0
            for oid, data in self._read_local(left, limit):
                if data is None:
                    break
                done += 1
                yield oid, data
            left = left[done:]
            if left and fetched:
                raise NotFoundError(
                    f"{self.name}: the object {left[0]} is missing",
                    hint="The repository is damaged or incomplete: `git fsck` tells more.",
                )
            if left:
                self.fetch_blobs(left)
                fetched = True

    def fetch_blobs(self, oids: Sequence[str]) -> None:
        """Bring those objects here that are not, all at once; only partial clones lack any.

        Raises
        ------
        OfflineError, NetworkError, CredentialsError
            If they cannot be fetched.
        """
        if not self.promisors or not (missing := self.missing(oids)):
            return
        if self.offline:
            raise OfflineError(
                f"{len(missing)} files of {self.name} are not here, and we are offline",
                hint="Run it once without `--offline`: it is a partial clone.",
            )
        fetch_objects(self.git, self.promisors[0], missing)

    @cached_property
    def promisors(self) -> list[str]:
        """The remotes of a partial clone: they promised to have what is not here."""
        return _find_promisors(self.git, self.common_dir)

    def missing(self, oids: Sequence[str]) -> list[str]:
        """Tell which objects are not on this machine; the network is never asked."""
        if not oids:
            return []
        with self._detached() as environment:
            output = self.git.run(
                "cat-file", "--batch-check=%(objectname)", "--buffer",
                stdin="".join(f"{oid}\n" for oid in oids).encode(), environment=environment,
            )  # fmt: skip
        lines = output.decode().splitlines()
        return [line.split(" ")[0] for line in lines if line.endswith(" missing")]

    def _read_local(
        self, oids: Sequence[str], limit: int | None
    ) -> Iterator[tuple[str, bytes | None]]:
        if not oids:
            return
        with self._detached() as environment:
            process = self.git.start("cat-file", "--batch", "--buffer", environment=environment)
            with finished(process):
                yield from read_batch(process, oids, limit)

    @contextmanager
    def _detached(self) -> Iterator[dict[str, str]]:
        """Give variables that let git see the objects, but not the promises of a partial clone.

        Without them, git would fetch each missing object by itself, one connection for each; only
        git 2.45 and later can be told not to.
        """
        if not self.promisors:
            yield {}
            return
        import shutil  # only for partial clones
        import tempfile

        folder = Path(tempfile.mkdtemp(prefix="neurogister-git-"))
        try:
            (folder / "HEAD").write_text("ref: refs/heads/none\n", "ascii")
            (folder / "refs").mkdir()
            if self.object_format != "sha1":
                (folder / "config").write_text(
                    "[core]\n\trepositoryformatversion = 1\n"
                    f"[extensions]\n\tobjectformat = {self.object_format}\n",
                    "ascii",
                )
            yield {
                "GIT_DIR": str(folder),
                "GIT_OBJECT_DIRECTORY": str(self.common_dir / "objects"),
            }
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def blob_sizes(self, oids: Iterable[str]) -> dict[str, int]:
        """Return the sizes of blobs in bytes, without reading them."""
        wanted = list(dict.fromkeys(oids))
        if not wanted:
            return {}
        output = self.git.run(
            "cat-file", "--batch-check=%(objectname) %(objectsize)", "--buffer",
            stdin="".join(f"{oid}\n" for oid in wanted).encode(), network=not self.offline,
        )  # fmt: skip
        lines = (line.split(" ") for line in output.decode("ascii").splitlines())
        return {oid: int(size) for oid, size in lines if size.isdecimal()}

    def write_staged_tree(self) -> str:
        """Keep what is staged as a tree, and return its id; nothing refers to it."""
        return self.git.run("write-tree").decode("ascii").strip()

    def existing(self, oids: Sequence[str]) -> list[str]:
        """Return those of some objects that are (still) on this machine."""
        gone = set(self.missing(oids))
        return [oid for oid in oids if oid not in gone]


def find_top(place: Path) -> Path | None:
    """Find the repository that a place belongs to.

    Returns
    -------
    Path or None
        The top of the work tree that the place is in, or the place itself if it is bare.
    """
    place = place.resolve()
    if is_bare(place):
        return place
    return next((each for each in (place, *place.parents) if (each / ".git").exists()), None)


def is_bare(folder: Path) -> bool:
    """Tell whether a folder looks like a bare repository."""
    return all((folder / name).exists() for name in ("HEAD", "objects", "refs"))


def is_full_id(text: str) -> bool:
    """Tell whether text is the whole id of an object."""
    return _FULL_ID.match(text) is not None


def fetch_objects(git: Git, remote: str, oids: Sequence[str], config: Sequence[str] = ()) -> None:
    """Fetch objects by their ids in one go, as git's own code for partial clones does."""
    git.run(
        "fetch", remote, "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no",
        "--filter=blob:none", "--stdin",
        stdin="".join(f"{oid}\n" for oid in oids).encode(),
        network=True,
        config=("fetch.negotiationAlgorithm=noop", *config),
    )  # fmt: skip


def _find_promisors(git: Git, common_dir: Path) -> list[str]:
    try:
        text = (common_dir / "config").read_bytes().lower()
    except OSError:
        return []
    if b"promisor" not in text and b"partialclone" not in text:
        return []
    code, output, _ = git.attempt(
        "config", "-z", "--get-regexp", r"^(remote\..*\.promisor|extensions\.partialclone)$"
    )
    names: list[str] = []
    for entry in output.decode("utf-8", "surrogateescape").split("\0") if code == 0 else ():
        key, _, value = entry.partition("\n")
        if key == "extensions.partialclone":
            names.append(value)
        elif key and value in ("true", ""):
            names.append(key.removeprefix("remote.").removesuffix(".promisor"))
    return list(dict.fromkeys(names))


def _one_at_a_time() -> Sequence[str]:
    """Keep git from looking at files with many threads, where two programs have two cores.

    They would be in each other's way: 100,000 files then take a third longer. With more cores they
    help, above all on file systems that answer late.
    """
    return ("core.preloadIndex=false",) if (os.cpu_count() or 1) <= _CORES else ()
