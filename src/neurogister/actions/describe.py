"""What is known of datasets, as plain values: for listings, for `info`, for ``--json``."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NeurogisterError
from ..model.dataset import Dataset
from ..model.listing import Entry, parse_listing, size_limit
from ..progress import SILENT, Progress
from .checkedout import CheckedOut
from .entries import choose_part, entries_from_manifest
from .selection import Selection
from .session import Session

if TYPE_CHECKING:
    from ..model.remote import RemoteConfig
    from .outdated import Outdated

UNKNOWN = "unknown"


@dataclass(slots=True)
class Description:
    """A dataset, with where its copies are.

    Parameters
    ----------
    selection : Selection, optional
        Its content; none for what is kept outside DVC.
    item : Dataset
        Itself.
    files : list of Entry, optional
        Of a folder, or of the part of it that is meant; None if only the remote knows.
    work_tree : Path, optional
        Where it lies in the checkout, if it does.
    cached : bool or None
        Whether the cache has it whole; None if that is unknown.
    remotes : dict
        By the address of a remote: ``"present"``, ``"missing"`` or ``"unknown"``.
    outdated : list of Outdated
        Of a package: the members that were withdrawn, or have newer versions.
    """

    item: Dataset
    selection: Selection | None
    files: list[Entry] | None = None
    work_tree: Path | None = None
    cached: bool | None = None
    remotes: dict[str, str] = field(default_factory=dict)
    outdated: list[Outdated] = field(default_factory=list)


class Describer:
    """Gathers what is known of datasets, without failing for what cannot be found out.

    Parameters
    ----------
    session : Session
        Where they are.
    ask_remotes : bool
        Whether to ask the remotes for what only they know.
    progress : Progress
        Told which remote gives no answer.
    """

    def __init__(
        self, session: Session, *, ask_remotes: bool = False, progress: Progress = SILENT
    ) -> None:
        self._session = session
        self._ask = ask_remotes and not session.settings.offline
        self._progress = progress
        self._checked_out = CheckedOut(session)
        self._silent: set[str] = set()

    def describe(self, item: Dataset, selection: Selection | None) -> Description:
        """Describe one dataset.

        Parameters
        ----------
        item : Dataset
            The dataset or package.
        selection : Selection, optional
            The state that is meant.

        Raises
        ------
        NotFoundError
            If the dataset has no such part.
        """
        description = Description(item, selection)
        if selection is None:
            return description
        description.work_tree = self._place(selection)
        files = self._files(selection)
        if files is not None:
            description.files = choose_part(selection, files)
        with suppress(NeurogisterError):
            description.cached = _is_cached(self._session, selection, description.files)
        description.remotes = self._remotes(selection)
        return description

    def _place(self, selection: Selection) -> Path | None:
        place = self._checked_out.find(selection)
        if place is None or selection.part is None:
            return place
        inside = place.joinpath(*selection.part.split("/"))
        return inside if inside.exists() else place  # a glob stands for files all over it

    def _files(self, selection: Selection) -> list[Entry] | None:
        whole = replace(selection, part=None)
        try:
            return find_entries(self._session, whole, ask=self._ask, progress=self._progress)
        except NeurogisterError as error:
            if self._ask:
                self._progress.warn(error.message)
            return None  # what cannot be found out is shown as unknown

    def _remotes(self, selection: Selection) -> dict[str, str]:
        """Ask the remotes; those inside the registry are here, and asked always."""
        try:
            configs = list(self._session.config.remotes.values())
        except NeurogisterError:
            return {}
        return {
            address_of(self._session, config): self._answer(config, selection)
            if self._ask or config.in_tree is not None
            else UNKNOWN
            for config in configs
        }

    def _answer(self, config: RemoteConfig, selection: Selection) -> str:
        if config.address in self._silent:
            return UNKNOWN
        try:
            self._session.open_remote(config).size(selection.oid.key)
        except LookupError:
            return "missing"
        except NeurogisterError as error:
            self._silent.add(config.address)  # once is enough, for a thousand datasets too
            self._progress.warn(f"remote '{config.name}': {error.message}")
            return UNKNOWN
        return "present"


def address_of(session: Session, config: RemoteConfig) -> str:
    """Return where a remote is, as people read it: one inside a registry by that one's URL."""
    if config.in_tree is not None and session.reader.worktree is None:
        return f"{session.reader.url}#{config.in_tree}"
    return config.address


def _is_cached(session: Session, selection: Selection, files: list[Entry] | None) -> bool | None:
    if not selection.is_folder:
        oids = [selection.oid]
    elif files is None:
        return None
    else:
        oids = [selection.wanted_entry(entry).oid for entry in files]
    caches = session.holdings.caches
    return all(any(cache.stat(oid) is not None for cache in caches) for oid in oids)


def find_entries(
    session: Session, selection: Selection, *, ask: bool, progress: Progress = SILENT
) -> list[Entry] | None:
    """Find the files of a folder: in git, in the cache, or (if we may ask) in a remote.

    Returns
    -------
    list of Entry or None
        Of the part that is selected; None if it is no folder, or nobody here knows.

    Raises
    ------
    NeurogisterError
        If the listing is broken, or there is no such part.
    """
    if not selection.is_folder:
        return None
    entries = entries_from_manifest(session.reader, selection)
    if entries is None:
        entries = _listing(session, selection, ask=ask, progress=progress)
    return None if entries is None else choose_part(selection, entries)


def _listing(
    session: Session, selection: Selection, *, ask: bool, progress: Progress
) -> list[Entry] | None:
    wanted = selection.wanted()
    if session.holdings.find([wanted]):
        if not ask or session.settings.offline:
            return None
        failed = session.fetch([wanted], progress)
        if failed:
            raise failed[selection.oid]
    data = session.holdings.read(selection.oid, limit=size_limit(selection.nfiles))
    return parse_listing(data, name=selection.name, nfiles=selection.nfiles)
