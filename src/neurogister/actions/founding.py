"""What makes a folder a registry: which files are lacking, which are in the way; making them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..backends.dvcinit import CONFIG, dvc_files, remote_url
from ..backends.git import find_top, is_bare
from ..backends.gitindex import is_repository, make_repository, unfinished
from ..backends.gitprogram import Git
from ..backends.gitwriter import GitWriter
from ..errors import InvalidFileError, RefusedError, UsageError
from ..files import Destination, system_errors
from ..model.document import parse_mapping
from ..progress import SILENT, Progress
from ..registry.changes import ChangeSet
from ..registry.layout import REGISTRY_FILE, YAML_LIMIT
from ..registry.schemas import check_files
from ..registry.templates import registry_files
from ..registry.worktree import LINK, read_worktree
from .workspace import waiting_lock

if TYPE_CHECKING:
    from ..model.identifier import Identifier
    from .misfits import Misfit

_KEEP = ".gitkeep"
_LOCK = ".dvc/tmp/lock"
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class InitReport:
    """What `init` or `adopt` did, or would do.

    Parameters
    ----------
    path : Path
        The top of the registry.
    name : str
        What it is called.
    created : tuple of str
        The files that were made, from the top of the registry.
    kept : tuple of str
        Files that were there already and say something else; they stay as they are.
    identifiers : mapping of str to Identifier
        Those that were given to datasets, by pointer.
    misfits : tuple of Misfit
        What does not fit into a registry.
    staged : tuple of str
        The files that were staged or committed.
    commit : str, optional
        The commit that was made.
    changed : bool
        Whether anything was, or would be, changed.
    """

    path: Path
    name: str
    created: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    identifiers: Mapping[str, Identifier] = field(default_factory=dict)
    misfits: tuple[Misfit, ...] = ()
    staged: tuple[str, ...] = ()
    commit: str | None = None
    changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What a registry shall be called, and where its bytes shall be.

    Parameters
    ----------
    remote : str, optional
        A URL or folder; none is a folder in the registry.
    name : str, optional
        None is the name of the folder.
    title : str, optional
        None is the name.
    """

    remote: str | None = None
    name: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """A folder that is, or will be, a registry.

    Parameters
    ----------
    root : Path
    has_git : bool
        Whether it is the top of a complete repository.
    """

    root: Path
    has_git: bool

    @property
    def git(self) -> Git:
        """git, in the folder; in the nearest one that is there, while it is not."""
        return Git(next(each for each in (self.root, *self.root.parents) if each.is_dir()))

    def unfinished(self, paths: list[str], *, committed: bool) -> list[str]:
        """Return those of some files that are not committed (or else staged) as they are."""
        if not self.has_git or self.git.folder != self.root:
            return paths
        changed = set(unfinished(self.git, committed=committed))
        return [path for path in paths if path in changed]


def find_site(path: str | os.PathLike[str]) -> Site:
    """Look at the folder that shall be a registry.

    Raises
    ------
    UsageError
        If it is no folder.
    RefusedError
        If it is inside another repository, or a link stands where DVC's folder belongs.
    """
    root = Path(os.path.realpath(Path(path).expanduser()))
    if root.exists() and not root.is_dir():
        raise UsageError(f"{root} is not a folder", hint="Name a folder: `neurogister init DIR`.")
    if root.is_dir() and is_bare(root):
        raise RefusedError(f"{root} is a bare repository", hint="Clone it, and work in the clone.")
    top = find_top(next(each for each in (root, *root.parents) if each.is_dir()))
    if top is not None and top != root:
        raise RefusedError(
            f"{root} is inside the git repository {top}, and a registry is one of its own",
            hint=f"Choose a folder outside, or make that one a registry: `neurogister init {top}`.",
        )
    Destination(root).check_parents(CONFIG)
    return Site(root, has_git=top is not None and is_repository(Git(root)))


def called(site: Site, naming: Naming) -> Naming:
    """Return what a registry is called: as wanted, as it says itself, or as its folder.

    Raises
    ------
    UsageError
        If it cannot be called so.
    """
    said = _said(site.root)
    plain = _NOT_IN_A_NAME.sub("-", site.root.name).strip("-_.")[:64]
    name = said.get("name", plain or "registry") if naming.name is None else naming.name
    title = said.get("title", name) if naming.title is None else naming.title
    registry = registry_files(name, title)[REGISTRY_FILE]
    for problem in check_files({REGISTRY_FILE: registry}):
        raise UsageError(
            f"a registry cannot be called so: {problem.message}",
            hint="`--name` has letters, digits, '.', '_' and '-', at most 64; `--title` is one"
            " line without markup.",
        )
    return replace(naming, name=name, title=title)


def _said(root: Path) -> dict[str, str]:
    """Return what a registry says already of its name and title, as far as that can be read."""
    file = read_worktree(root, REGISTRY_FILE, limit=YAML_LIMIT)
    with suppress(InvalidFileError):
        if file is not None:
            document = parse_mapping(file.data, REGISTRY_FILE, limit=YAML_LIMIT)
            texts = {name: document.get(name) for name in ("name", "title")}
            return {name: text for name, text in texts.items() if isinstance(text, str)}
    return {}


def wanted_files(site: Site, naming: Naming) -> dict[str, bytes]:
    """Return the files that a registry needs, in the order in which they are made."""
    name = naming.name or ""
    url = remote_url(naming.remote, site.root)
    folder = url.removeprefix("../") if url.startswith("../") else None
    files = dvc_files(url) | registry_files(name, naming.title or name, folder or "remote")
    if folder is not None:
        files[f"{folder}/{_KEEP}"] = b""  # a remote that is not there cannot be used
    for path in [path for path in files if path.endswith(f"/{_KEEP}")]:
        if _is_filled(site.root / path.removesuffix(f"/{_KEEP}")):
            del files[path]
    return files


def _is_filled(folder: Path) -> bool:
    if folder.is_symlink() or not folder.is_dir():
        return False
    return any(each.name != _KEEP for each in folder.iterdir())


def compare(site: Site, files: Mapping[str, bytes]) -> tuple[list[str], list[str]]:
    """Tell which files are lacking, and which are there and say something else.

    Raises
    ------
    RefusedError
        If a link or a folder is where a file belongs.
    """
    destination = Destination(site.root)
    lacking, others = [], []
    for path, data in files.items():
        destination.check_parents(path)
        place = site.root / path
        file = read_worktree(site.root, path)
        if os.path.lexists(place) and (file is None or file.mode == LINK):
            raise RefusedError(
                f"{place} is not a file, and one of the registry belongs there",
                hint="Move it away; nothing was changed.",
            )
        # `dvc init` leaves a configuration that says nothing
        if file is None or (path == CONFIG and not file.data.strip() and data):
            lacking.append(path)
        elif file.data.replace(b"\r\n", b"\n") != data:
            others.append(path)
    return lacking, others


def establish(
    site: Site,
    changes: ChangeSet,
    *,
    paths: list[str],
    message: str,
    commit: bool,
    progress: Progress = SILENT,
) -> str | None:
    """Make the files, and bring them into git.

    Parameters
    ----------
    site : Site
        Where.
    changes : ChangeSet
        The files.
    paths : list of str
        What is staged: the files, and those that an interrupted try has made already.
    message : str
        Of the commit.
    commit : bool
        Whether to commit, and not only to stage.
    progress : Progress
        Told when it waits.

    Returns
    -------
    str or None
        The commit, if one was made.
    """
    git = Git(site.root)
    with _undone(site) as undoing, system_errors(site.root, "make a registry in"):
        site.root.mkdir(parents=True, exist_ok=True)
        lock = Destination(site.root).make_parents(_LOCK)
        undoing.is_ours = False  # whoever holds the lock may be making the very same registry
        with waiting_lock(lock, "dvc, or another `init`", progress) as waited:
            undoing.is_ours = not waited
            if not site.has_git and not is_repository(git):
                make_repository(git)
            writer = GitWriter(git)
            writer.refuse_ignored(paths)
            changes.apply(site.root)
            writer.stage(paths)
            return writer.commit(paths, message) if commit else None


@dataclass(slots=True)
class _Undoing:
    """Whether what is new in the folder was made by us alone."""

    is_ours: bool = True


@contextmanager
def _undone(site: Site) -> Iterator[_Undoing]:
    """Leave nothing of a new registry behind if it could not be made."""
    root = site.root
    lacking = [each for each in (root, *root.parents) if not each.exists()]
    before = set(os.listdir(root)) if root.is_dir() else set()
    undoing = _Undoing()
    try:
        yield undoing
    except BaseException:
        if undoing.is_ours and not site.has_git and root.is_dir():
            for name in set(os.listdir(root)) - before:
                _remove(root / name)
            for folder in lacking:
                with suppress(OSError):
                    folder.rmdir()
        raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
