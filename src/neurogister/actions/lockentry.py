"""What a lockfile says of one dataset or package, and of its registry."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import OfflineError, RefusedError
from ..model.ledger import as_version
from ..model.listing import Entry
from ..model.locked import Locked, LockedRegistry, LockedRemote, public_url
from ..model.lockfile import OPTIONS, SCHEMES, is_consistent
from ..model.paths import check_path
from ..model.remote import OptionValue, public_address
from ..model.zips import Zip
from ..progress import SILENT, Progress
from .describe import find_entries
from .outdated import refuse_withdrawn_members, released
from .selection import Selection, select

if TYPE_CHECKING:
    from ..model.names import Target
    from ..model.remote import RemoteConfig
    from .session import Session


def lock_target(session: Session, target: Target, url: str) -> Locked:
    """Find out all that a lockfile says of one thing.

    Parameters
    ----------
    session : Session
        The registry.
    target : Target
        What, in which version.
    url : str
        What the lockfile calls the registry.

    Raises
    ------
    NotFoundError
        If there is no such version or part.
    RefusedError
        If it, or a member of it, was withdrawn; or it cannot be told file by file.
    """
    selection = select(session.reader, target)
    refuse_withdrawn_members(session, selection)
    item = selection.item
    entries = _entries(session, selection)
    sizes = [entry.size for entry in entries]
    known = [size for size in sizes if size is not None]
    size = selection.size
    if selection.is_folder and (selection.part is not None or len(known) == len(sizes)):
        size = sum(known) if len(known) == len(sizes) else None
    locked = Locked(
        name=item.name,
        kind="package" if item.kind == "package" else "dataset",
        registry=url,
        commit=session.reader.commit,
        id=item.id,
        version=_version(selection),
        part=selection.part,
        md5=str(selection.oid),
        size=size,
        sha256=selection.sha256 if selection.part is None else None,
        files=tuple(entries),
        legacy=selection.oid.legacy,
        executable=selection.executable,
        zip=_zip(selection),
    )
    if not is_consistent(locked):
        raise RefusedError(
            f"{locked.label}: its listing, its sizes and its digests do not go together",
            hint="The registry contradicts itself here: tell its maintainers.",
        )
    return locked


def _zip(selection: Selection) -> Zip | None:
    version = released(selection) if selection.part is None else None
    return version.zip if version is not None else None


def _version(selection: Selection) -> int | str | None:
    """Return the version, unless the pointer has gone on since the ledger was written."""
    version = as_version(selection.version)
    ledger = {each.version: each.md5 for each in selection.item.versions}
    return version if ledger.get(version, str(selection.oid)) == str(selection.oid) else None  # type: ignore[arg-type]


def _entries(session: Session, selection: Selection) -> list[Entry]:
    entries = find_entries(session, selection, ask=True)
    if entries is None and selection.is_folder:
        raise OfflineError(
            f"which files {selection.label} has is not known here",
            hint="Run it once without `--offline`.",
        )
    return sorted((_sized(session, selection, each) for each in entries or ()), key=_path)


def _path(entry: Entry) -> str:
    return entry.path


def _sized(session: Session, selection: Selection, entry: Entry) -> Entry:
    """Add the size that DVC's listings do not tell, if the file is here; nobody else is trusted."""
    wanted = selection.wanted_entry(entry)
    if entry.size is not None or session.holdings.find([wanted]):
        return entry
    return replace(entry, size=session.holdings.path(wanted.oid).stat().st_size)


def registry_of(session: Session, progress: Progress = SILENT) -> LockedRegistry:
    """Return what a lockfile says of a registry: nothing that is secret, or only known here.

    Parameters
    ----------
    session : Session
        The registry.
    progress : Progress
        Told what others will not be able to read.
    """
    typed = session.settings.registry
    is_remote = typed is not None and session.reader.worktree is None and not os.path.exists(typed)
    url = public_url(typed or "") if is_remote else session.reader.url
    default = session.config.default_remote
    configs = sorted(
        session.config.remotes.values(), key=lambda each: (each.name != default, each.name)
    )
    remotes = tuple(_remotes(configs, progress))
    if not remotes:
        progress.warn(f"{url} has no remote that others can read: the lockfile names none")
    return LockedRegistry(url=url, remotes=remotes)


def _remotes(configs: Iterable[RemoteConfig], progress: Progress) -> Iterable[LockedRemote]:
    for config in configs:
        if config.problem is not None or "url" not in config.committed:
            continue  # what only this user has configured
        options = _options(config)
        if config.in_tree is not None and _is_path(config.in_tree):
            yield LockedRemote(name=config.name, in_tree=config.in_tree, options=options)
        elif config.scheme in SCHEMES:
            yield LockedRemote(name=config.name, url=config.address, options=options)
        elif config.scheme == "" and os.path.isabs(config.url):
            progress.warn(
                f"the remote '{config.name}' is the folder {config.address}, which others may not"
                " have"
            )
            yield LockedRemote(name=config.name, url=config.address, options=options)


def _is_path(path: str) -> bool:
    try:
        check_path(path)
    except ValueError:
        return False
    return True


def _options(config: RemoteConfig) -> dict[str, OptionValue]:
    """Return the options that everybody may know, and has a use for."""
    found: dict[str, OptionValue] = {}
    for name, kind in OPTIONS.items():
        value = config.options.get(name)
        if value is not None and name in config.committed and type(value) is kind:
            found[name] = public_address(value) if isinstance(value, str) else value
    return found
