"""The folder in the cache that a mirror lives in: made, locked, fetched into, made again.

Several processes may use it at once: who fetches holds its lock, who reads needs none, as git only
ever adds. A folder without its state file is half made.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ..errors import NeurogisterError, NotFoundError, OfflineError
from ..files import system_errors, write_whole
from .git import is_full_id
from .gitprogram import Git, error_of, redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ..progress import Progress

_FORMAT = 1
_STATE_FILE = "neurogister.json"
_NAMES = "refs/neurogister/names"
_COMMITS = "refs/neurogister/commits"
_EVERYTHING = (
    f"+HEAD:{_NAMES}/HEAD",
    "+refs/heads/*:refs/heads/*",
    "+refs/tags/*:refs/tags/*",
)
_PARTIAL = ("remote.origin.promisor=true", "remote.origin.partialclonefilter=blob:none")
_UNSUPPORTED = re.compile(
    r"unadvertised object|not our ref|dumb http transport|does not support (?:filter|shallow)"
    r"|fetched in a shallow|filter-spec"
)
_NO_REF = re.compile(r"(?:couldn't|cannot) find remote ref|no such remote ref", re.IGNORECASE)
_MOST_PACKS = 40


class UnsupportedError(Exception):
    """The server cannot give what was asked for in this way."""


class MirrorCopy:
    """A bare copy of a remote repository, or of parts of it.

    Parameters
    ----------
    url : str
        Where the repository is.
    cache : Path
        The folder of caches.
    offline : bool
        Whether the network may not be used.
    progress : Progress
        Told when something is fetched.
    """

    def __init__(self, url: str, cache: Path, *, offline: bool, progress: Progress) -> None:
        self.url = url
        self.folder = cache / "registries" / hashlib.sha256(url.encode()).hexdigest()[:16]
        self.git = Git(self.folder, bare=True)
        self._offline = offline
        self._progress = progress
        self._beginning: dict[str, object] = {}  # the state until the first fetch is done

    # What is here.

    @property
    def is_made(self) -> bool:
        """Whether there is something to read."""
        return self._state().get("format") == _FORMAT

    @property
    def has_history(self) -> bool:
        """Whether all branches and tags came with all their commits."""
        return self._state().get("history") is True

    @property
    def is_partial(self) -> bool:
        """Whether files may be missing."""
        return self._state().get("partial") is not False

    @property
    def making(self) -> object:
        """What tells this copy from one that was made later in the same place."""
        return self._state().get("making")

    def find_commit(self, rev: str) -> str | None:
        """Return the commit of a revision if it is here.

        Raises
        ------
        UsageError
            If it is ambiguous.
        """
        if not self.is_made:
            return None
        code, output, complaint = self.git.attempt("rev-parse", "--verify", f"{rev}^{{commit}}")
        if code == 0:
            return output.decode().strip()
        if "is ambiguous" in complaint and not re.search("unknown revision", complaint):
            raise self._error(complaint, "rev-parse")
        return None

    def find_name(self, name: str) -> str | None:
        """Return the commit that a branch or tag had when it was last asked for."""
        return self.find_commit(_ref_of(name))

    # What the server says and gives.

    def ask(self, name: str) -> tuple[str, str] | None:
        """Ask the server for a branch or tag.

        Returns
        -------
        (str, str) or None
            Its whole name and its commit.
        """
        with self._announced():
            output = self._run("ls-remote", "--quiet", "--", self.url, name, f"{name}^{{}}")
        refs: dict[str, str] = {}
        for line in output.decode("utf-8", "replace").splitlines():
            oid, _, ref = line.partition("\t")
            if is_full_id(oid):
                refs[ref] = oid
        for ref in (name, f"refs/{name}", f"refs/tags/{name}", f"refs/heads/{name}"):
            if ref in refs:
                return ref, refs.get(f"{ref}^{{}}", refs[ref])
        return None

    def remember(self, name: str, commit: str) -> None:
        """Note the commit of a branch or tag, so that it is known offline."""
        # another process may be doing just the same; then it need not be done here
        self.git.attempt("update-ref", _ref_of(name), commit)

    def fetch_name(self, name: str, ref: str, commit: str) -> None:
        """Fetch the commit of a branch or tag, with its folders."""
        with self._ready(commit):
            self._mending(lambda: self._fetch(f"+{ref}:{_ref_of(name)}", shallow=True))

    def fetch_commit(self, oid: str) -> None:
        """Fetch a commit by its id, with its folders.

        Raises
        ------
        UnsupportedError, NotFoundError
            If the server does not give it.
        """
        with self._ready(oid):
            self._mending(lambda: self._fetch(f"+{oid}:{_COMMITS}/{oid}", shallow=True))

    def fetch_history(self) -> None:
        """Fetch every branch and tag with all commits and folders, but without the files."""
        with self._ready():
            self._mending(self._fetch_everything)

    def fetch_objects(self, find_missing: Callable[[], Sequence[str]]) -> None:
        """Fetch objects by their ids, all at once, as git's own code for partial clones does.

        Parameters
        ----------
        find_missing : callable
            Tells which; it is asked when nobody else fetches any more.
        """
        with self._ready():
            missing = find_missing()
            if not missing:
                return
            stdin = "".join(f"{oid}\n" for oid in missing).encode()
            noop = ("fetch.negotiationAlgorithm=noop",)
            self._mending(lambda: self._fetch(options=("--stdin",), config=noop, stdin=stdin))

    def start_again(self, making: object) -> None:
        """Throw away a damaged copy, unless somebody has done so already."""
        with self._locked():
            if not self.is_made or self.making == making:
                partial = self.is_partial
                self._make(partial=partial)
                if not partial:
                    self._mending(self._fetch_everything)

    # Fetching; the lock is held.

    def _fetch_everything(self) -> None:
        is_shallow = (self.folder / "shallow").exists()
        self._fetch(*_EVERYTHING, options=("--prune", *(("--unshallow",) if is_shallow else ())))
        self.git.run("update-ref", "--no-deref", "HEAD", f"{_NAMES}/HEAD")
        self._write_state(history=True)

    def _mending(self, fetch: Callable[[], None]) -> None:
        """Fetch into the copy; if that cannot work with the copy as it is, into a new one.

        Of a server that cannot give parts, everything is fetched.
        """
        try:
            fetch()
        except UnsupportedError:
            if not self.is_partial:
                raise
            self._make(partial=False)
            self._fetch_everything()
            with suppress(NotFoundError, UnsupportedError):
                fetch()
        except _DamagedError:
            self._make(partial=self.is_partial)
            try:
                fetch()
            except _DamagedError as error:
                raise error.reason from None

    def _fetch(
        self,
        *refspecs: str,
        shallow: bool = False,
        options: Sequence[str] = (),
        config: Sequence[str] = (),
        stdin: bytes = b"",
    ) -> None:
        if self.is_partial:
            # Said here and not in the copy's configuration, so that git never fetches by itself
            # what is missing: it would do so one by one.
            config = (*config, *_PARTIAL)
            depth = ("--depth=1",) if shallow and not self.has_history else ()
            options = (*options, "--filter=blob:none", *depth)
        with self._announced():
            code, _, complaint = self.git.attempt(
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
                "--recurse-submodules=no", *options, "--", "origin", *refspecs,
                stdin=stdin, network=True, config=(f"remote.origin.url={self.url}", *config),
            )  # fmt: skip
        if code != 0:
            raise self._fetch_error(complaint)
        self._write_state()

    def _fetch_error(self, complaint: str) -> Exception:
        if _UNSUPPORTED.search(complaint):
            return UnsupportedError()
        error = self._error(complaint, "fetch")
        if _NO_REF.search(complaint):
            return NotFoundError(error.message, hint=error.hint)
        if type(error) is NeurogisterError or str(self.folder) in complaint:
            return _DamagedError(error)
        return error

    def _run(self, *arguments: str) -> bytes:
        """Run a command that needs no repository."""
        parent = self.folder.parent
        with system_errors(parent, "make the folder"):
            parent.mkdir(parents=True, exist_ok=True)
        code, output, complaint = Git(parent).attempt(
            *arguments, network=True, environment={"GIT_CEILING_DIRECTORIES": str(parent)}
        )
        if code != 0:
            raise self._error(complaint, arguments[0])
        return output

    def _error(self, complaint: str, command: str) -> NeurogisterError:
        return error_of(complaint, place=self.url, command=command)

    @contextmanager
    def _announced(self) -> Iterator[None]:
        self._progress.start(f"Asking {_host_of(self.url)}", files=0, size=0)
        try:
            yield
        finally:
            self._progress.finish()

    # The folder.

    @contextmanager
    def _ready(self, oid: str = "") -> Iterator[None]:
        """Be the only one who fetches, into a copy that is there."""
        if self._offline:
            raise OfflineError(f"{redacted(self.url)} was to be asked, and we are offline")
        with self._locked():
            if not self.is_made:
                self._make(object_format="sha256" if len(oid) == 64 else "sha1")
            yield
            self._tidy()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock  # only where something is fetched

        parent = self.folder.parent
        with system_errors(parent, "make the folder"):
            parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{self.folder}.lock", is_singleton=True)
        try:
            lock.acquire()
        except (OSError, NotImplementedError) as error:
            raise NeurogisterError(
                f"the lock {lock.lock_file} cannot be taken: {error}",
                hint="The file system must support locks; choose a cache on another one.",
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _make(self, *, partial: bool = True, object_format: str | None = None) -> None:
        object_format = object_format or str(self._state().get("object_format", "sha1"))
        with system_errors(self.folder, "remove"):
            _remove_folder(self.folder)
        self._run(
            "init", "--quiet", "--bare", "--template=", f"--object-format={object_format}",
            "--", str(self.folder),
        )  # fmt: skip
        self._beginning = {"partial": partial, "object_format": object_format}

    def _state(self) -> dict[str, object]:
        """Read what the copy is: another process may have changed it since we last looked."""
        try:
            state = json.loads((self.folder / _STATE_FILE).read_bytes())
        except (OSError, ValueError):
            return self._beginning
        return state if isinstance(state, dict) else {}

    def _write_state(self, *, history: bool = False) -> None:
        old = self._state()
        new = {
            "format": _FORMAT,
            "making": old.get("making") or secrets.token_hex(8),
            "object_format": old.get("object_format", "sha1"),
            "partial": self.is_partial,
            "history": history or self.has_history,
        }
        if new != old:
            write_whole(self.folder / _STATE_FILE, json.dumps(new).encode())
        self._beginning = {}

    def _tidy(self) -> None:
        """Put many small packs together; what fails here hurts nobody."""
        if len(list(self.folder.glob("objects/pack/*.pack"))) > _MOST_PACKS:
            config = _PARTIAL if self.is_partial else ()
            self.git.attempt("repack", "-a", "-d", "-q", config=config)


class _DamagedError(Exception):
    """The copy seems to be damaged."""

    def __init__(self, reason: NeurogisterError) -> None:
        super().__init__(reason)
        self.reason = reason


def _ref_of(name: str) -> str:
    """Return where a branch or tag is noted: as names, some would exclude each other."""
    if name == "HEAD":
        return f"{_NAMES}/HEAD"
    return f"{_NAMES}/{hashlib.sha256(name.encode()).hexdigest()[:40]}"


def _host_of(url: str) -> str:
    found = re.match(r"\A(?:[a-z+]+://)?(?:[^/@]*@)?([^/:]+)", url)
    return found[1] if found else "the registry"


def _remove_folder(folder: Path) -> None:
    """Remove a folder with files that may not be written, as git's are."""
    for _ in range(2):
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            return
        except PermissionError:
            for path in folder.rglob("*"):
                with suppress(OSError):
                    os.chmod(path, stat.S_IRWXU)
        else:
            return
