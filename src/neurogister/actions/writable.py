"""What every verb shares that changes a registry: a checkout, its git, its place for data."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..backends.cache import digests_of
from ..backends.gitprogram import Git
from ..backends.gitwriter import GitWriter
from ..errors import NeurogisterError, RefusedError, SeveralErrors, collect_errors
from ..files import stamp_of, system_errors
from ..model.names import Target
from ..progress import SILENT, Progress
from ..registry.layout import REGISTRY_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from ..model.dataset import Dataset
    from ..model.objects import ObjectId
    from .session import Session


def open_for_writing(session: Session) -> Path:
    """Return the top of the work tree, if the registry may be changed there.

    Raises
    ------
    RefusedError
        If it is no checkout, is shown as it was once, or is no registry of ours.
    """
    reader = session.reader
    root = reader.worktree
    if root is None or reader.root is None:
        raise RefusedError(
            f"{reader.url} cannot be changed: "
            + ("there is no checkout" if root is None else "it is shown as it was (`--rev`)"),
            hint="Clone it with git, and work in the clone.",
        )
    if reader.read_file(REGISTRY_FILE) is None or not (root / ".dvc").is_dir():
        lacking = REGISTRY_FILE if (root / ".dvc").is_dir() else ".dvc"
        raise RefusedError(
            f"{root} is not a registry that can be changed: it has no {lacking}",
            hint="A registry has a `registry.yaml` with its name and rules (docs/formats.md), and"
            " `dvc init` was run in it.",
        )
    return root


@contextmanager
def held_for_writing(session: Session, progress: Progress = SILENT) -> Iterator[Path]:
    """Hold the registry and see it as it is now: nobody else changes it before the block ends.

    Yields
    ------
    Path
        The top of the work tree.

    Raises
    ------
    RefusedError
        If it may not be changed (`open_for_writing`).
    """
    root = open_for_writing(session)
    with session.tree_lock(root, progress):
        session.reader.refresh()
        yield root


def git_writer(session: Session) -> GitWriter:
    """Return what stages and commits in the checkout."""
    return GitWriter(Git(open_for_writing(session)))


def who(session: Session) -> str:
    """Return who changes the registry: git's ``user.name``, or the login name."""
    name = git_writer(session).user_name()
    if name:
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def now() -> str:
    """Return the present moment as ISO 8601 writes it, to the second, in UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def place_data(session: Session, items: Iterable[Dataset]) -> None:
    """Put data at its place in the work tree, as a pull would; the cache has all of it.

    Raises
    ------
    RefusedError
        If a file is in the way that is kept nowhere else.
    """
    from .pull import pull  # not every verb needs it

    targets = [Target(item=item, as_typed=item.name) for item in items]
    if targets:
        report = pull(session, targets)
        if report.errors:
            raise collect_errors(report.errors, len(report.pulled))


def displace_data(session: Session, place: str, files: Mapping[str, ObjectId]) -> None:
    """Remove data that was put at its place for a change that failed.

    Parameters
    ----------
    session : Session
        The registry; its cache has all of the data.
    place : str
        From the top of the registry.
    files : mapping of str to ObjectId
        By their path below the place; ``""`` is the place itself. What is something else stays.
    """
    top = open_for_writing(session).joinpath(*place.split("/"))
    for relative, oid in files.items():
        path = top.joinpath(*relative.split("/")) if relative else top
        with suppress(OSError, NeurogisterError):
            seen = stamp_of(os.lstat(path))
            same = os.path.samefile(path, session.holdings.path(oid))
            same = same or digests_of(path, ["md5"])[1]["md5"] == oid.md5
            if same and stamp_of(os.lstat(path)) == seen:
                path.unlink()
    for folder, _, _ in os.walk(top, topdown=False):
        with suppress(OSError):
            os.rmdir(folder)


def check_git(session: Session, paths: Sequence[str], *, commit: bool) -> None:
    """Find out whether git would take changed files, before anything is written.

    Raises
    ------
    RefusedError
        If git ignores one of them, or could not commit.
    """
    writer = git_writer(session)
    writer.refuse_ignored(paths)
    if commit:
        writer.check_commit()


def commit_changes(
    session: Session, paths: Sequence[str], message: str, *, commit: bool
) -> str | None:
    """Stage files as they are now, and commit them alone if wanted; then look at all anew.

    Returns
    -------
    str or None
        The commit, if one was made.
    """
    writer = git_writer(session)
    with system_errors(open_for_writing(session), "stage in"):
        writer.stage(paths)
        made = writer.commit(paths, message) if commit else None
    session.reader.refresh()
    return made


def folders_in_tree(session: Session) -> list[str]:
    """List the remotes that are folders of the registry: what they have belongs into git."""
    configs = session.config.remotes.values()
    return [each.in_tree.strip("/") for each in configs if each.in_tree is not None]


def raise_problems(problems: Sequence[NeurogisterError], total: int) -> None:
    """Raise what is against a change, all of it at once; nothing if nothing is.

    Raises
    ------
    NeurogisterError
        The only problem, or all of them (`SeveralErrors`).
    """
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise SeveralErrors(
            f"{len(problems)} of {total} cannot be done: nothing was changed",
            list(problems),
            hint=problems[0].hint,
        )
