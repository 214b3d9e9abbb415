"""A new registry in one command: git, DVC, a remote, its files, the first commit."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import RefusedError
from ..progress import SILENT, Progress
from ..registry.changes import ChangeSet
from .founding import (
    InitReport,
    Naming,
    called,
    compare,
    establish,
    find_site,
    wanted_files,
)

if TYPE_CHECKING:
    from .founding import Site

_MOST_NAMED = 8


def init(
    path: str | os.PathLike[str] = ".",
    *,
    remote: str | None = None,
    name: str | None = None,
    title: str | None = None,
    commit: bool = True,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> InitReport:
    """Make a registry.

    A second call finds nothing to do, or completes what was interrupted. No file is overwritten.

    Parameters
    ----------
    path : path
        The folder; made if it is missing.
    remote : str, optional
        Where its bytes will be: a URL or folder. None is a folder in the registry.
    name : str, optional
        A short name; None is that of the folder.
    title : str, optional
        What it is, in a line; None is the name.
    commit : bool
        Commit in git, and do not only stage.
    dry_run : bool
        Only find out what would happen.
    progress : Progress
        Told when it waits.

    Returns
    -------
    InitReport

    Raises
    ------
    RefusedError
        If a file of the user is where one of the registry belongs, the folder is inside another
        repository, or git does not know who the user is. Nothing was changed.
    UsageError
        If the registry cannot be called so, or the remote cannot be one.
    """
    site = find_site(path)
    naming = called(site, Naming(remote=remote, name=name, title=title))
    files = wanted_files(site, naming)
    lacking, others = compare(site, files)
    if others:
        raise _refusal(site, others)
    pending = site.unfinished(list(files), committed=commit)
    report = InitReport(
        path=site.root, name=naming.name or "", created=tuple(sorted(lacking)),
        changed=bool(lacking or pending),
    )  # fmt: skip
    if commit and pending:
        check_commit(site)
    if dry_run or not report.changed:
        return report
    made = establish(
        site, ChangeSet({each: files[each] for each in lacking}), paths=list(files),
        message=f"Make the registry {naming.name}", commit=commit, progress=progress,
    )  # fmt: skip
    return replace(report, staged=tuple(sorted(files)), commit=made)


def check_commit(site: Site) -> None:
    """Check that git could commit.

    Raises
    ------
    RefusedError
        If it does not know who the user is.
    """
    from ..backends.gitwriter import GitWriter

    GitWriter(site.git).check_commit()


def _refusal(site: Site, others: list[str]) -> RefusedError:
    named = ", ".join(others[:_MOST_NAMED]) + (", …" if len(others) > _MOST_NAMED else "")
    what = "is a registry already" if (site.root / "registry.yaml").exists() else "is not empty"
    return RefusedError(
        f"{site.root} {what}, and has files that say something else than those of a new"
        f" registry: {named}",
        hint="`neurogister init --adopt` keeps them, and adds only what is missing. Nothing was"
        " changed.",
    )
