"""Making an existing DVC repository a registry: adding what is missing, changing nothing."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from ..backends.dvcinit import CONFIG
from ..backends.gitindex import unfinished, with_carriage_returns
from ..errors import InvalidFileError, NotFoundError, RefusedError
from ..model.dataset import UNKNOWN_LICENSE
from ..model.document import parse_mapping
from ..model.writing import dump_document
from ..progress import SILENT, Progress
from ..registry.changes import ChangeSet
from ..registry.layout import COLLECTION_FILE, DATA, REGISTRY_FILE
from ..registry.schemas import check_files
from ..settings import load_settings
from .assign import Assigned, assign_identifiers
from .founding import InitReport, Naming, called, compare, establish, find_site, wanted_files
from .init import check_commit
from .misfits import find_misfits
from .session import open_session

if TYPE_CHECKING:
    from .founding import Site
    from .session import Session


def adopt(
    path: str | os.PathLike[str] = ".",
    *,
    remote: str | None = None,
    name: str | None = None,
    title: str | None = None,
    assign_ids: bool = False,
    commit: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> InitReport:
    """Make an existing DVC repository a registry, and report what does not fit.

    Files that are there stay as they are; pointers too, unless identifiers are wanted.

    Parameters
    ----------
    path : path
        The top of the repository.
    remote : str, optional
        Where its bytes are, if it has no configuration of DVC yet.
    name : str, optional
        A short name; None is that of the folder.
    title : str, optional
        What it is, in a line; None is the name.
    assign_ids : bool
        Give each dataset that has none an identifier, and start its ledger.
    commit : bool
        Commit in git, and do not only stage.
    dry_run : bool
        Only find out what would happen.
    progress : Progress
        Told about long work.

    Returns
    -------
    InitReport

    Raises
    ------
    NotFoundError
        If it is no git repository.
    RefusedError
        If a link is where a file of the registry belongs, or git would not take the files.
    UsageError
        If the registry cannot be called so, or the remote cannot be one.
    """
    site = find_site(path)
    if not site.has_git:
        raise NotFoundError(
            f"{site.root} is not a git repository, which could be adopted",
            hint="Without `--adopt`, a new registry is made there.",
        )
    session = open_session(load_settings(registry=str(site.root)), progress=progress)
    try:
        naming = Naming(remote=remote, name=name, title=title)
        return _adopt(
            site, session, naming, assign_ids=assign_ids, commit=commit, dry_run=dry_run,
            progress=progress,
        )  # fmt: skip
    finally:
        session.close()


def _adopt(
    site: Site,
    session: Session,
    naming: Naming,
    *,
    assign_ids: bool,
    commit: bool,
    dry_run: bool,
    progress: Progress,
) -> InitReport:
    naming = called(site, naming)
    name = naming.name or ""
    files = wanted_files(site, naming) | _collections(session)
    if naming.remote is None and (site.root / CONFIG).exists():
        del files[CONFIG]  # even an empty one: who made it has no remote
        files.pop("remote/.gitkeep", None)
    if with_carriage_returns(site.git, "*.dvc"):
        files.pop(".gitattributes", None)  # git would call these pointers changed
    lacking, others = compare(site, files)
    if CONFIG in others and naming.remote is not None:
        raise RefusedError(
            f"{site.root / CONFIG} says already where the bytes are",
            hint="`dvc remote add NAME URL` adds another remote. Nothing was changed.",
        )
    changes = ChangeSet({each: files[each] for each in lacking})
    assigned = assign_identifiers(session, site.root) if assign_ids else Assigned()
    for pointer, data in assigned.contents.items():
        changes.write(pointer, data)
    ours = [each for each in files if each not in others]
    left = _assigned_before(site, session) if assign_ids else []
    paths = list(dict.fromkeys([*ours, *changes.paths, *left]))
    pending = site.unfinished(paths, committed=commit)
    report = InitReport(
        path=site.root, name=name, created=tuple(sorted(lacking)), kept=tuple(sorted(others)),
        identifiers=assigned.identifiers, changed=bool(changes.paths or pending),
        misfits=(*assigned.misfits, *find_misfits(session, site.root)),
    )  # fmt: skip
    if dry_run or not report.changed:
        return report
    if commit:
        check_commit(site)
    made = establish(
        site, changes, paths=paths, commit=commit, message=_message(name, pending, assigned),
        progress=progress,
    )  # fmt: skip
    return replace(report, staged=tuple(sorted(paths)), commit=made)


def _message(name: str, pending: list[str], assigned: Assigned) -> str:
    count = len(assigned.identifiers)
    given = f"{count:,} dataset{'' if count == 1 else 's'} identifiers"
    if REGISTRY_FILE not in pending and count:
        return f"Give {given}"
    return f"Make this the registry {name}{f', and give {given}' if count else ''}"


def _assigned_before(site: Site, session: Session) -> list[str]:
    """Return pointers that an interrupted try gave a record, and did not bring into git."""
    items = [each for each in session.reader.datasets() if each.id and each.pointer_path]
    changed = set(unfinished(site.git, "*.dvc"))
    paths = [each.path for each in items if each.path in changed]
    if not paths or session.reader.commit is None:
        return []
    with closing(session.reader.at("HEAD")) as committed:
        before = committed.read_files(paths)
    after = session.reader.read_files(paths)
    return [path for path in paths if path in before and _only_record(before[path], after[path])]


def _only_record(before: bytes, after: bytes) -> bool:
    try:
        old, new = (parse_mapping(data, "") for data in (before, after))
    except InvalidFileError:
        return False
    meta = dict(new.get("meta") or {})
    if meta.pop("neurogister", None) is None:
        return False
    return {**old, "meta": old.get("meta") or {}} == {**new, "meta": meta}


def _collections(session: Session) -> dict[str, bytes]:
    """Return a description for each collection that has none; titles are names, to begin with."""
    names = [each.name for each in session.reader.collections()]
    there = session.reader.read_files(f"{DATA}{name}/{COLLECTION_FILE}" for name in names)
    files = {}
    for name in names:
        path = f"{DATA}{name}/{COLLECTION_FILE}"
        data = dump_document({"title": name, "license": UNKNOWN_LICENSE}, schema="collection")
        # one that an interrupted try has made is still to be staged
        if there.get(path, data) == data and not check_files({path: data}):
            files[path] = data
    return files
