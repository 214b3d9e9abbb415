"""Carrying out what a pull has planned: objects are fetched, and put in place as they come."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Container, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ..backends.cache import digests_of
from ..errors import IntegrityError, NeurogisterError, SeveralErrors
from ..files import Destination
from ..links import Linker
from ..model.listing import Entry, dump_listing, listing_sha256
from ..model.objects import ObjectId, Wanted
from ..progress import SILENT, Progress
from .examining import Place
from .placing import put, remove_leftovers
from .plan import needed_bytes
from .signature import signature
from .work import Work

if TYPE_CHECKING:
    from .workspace import Workspace

_WORKERS = 4
_HALF = re.compile(r"\.(.{1,100})\.[0-9a-f]{12}\.tmp\Z", re.DOTALL)  # see `temporary_beside`
_HALF_SECONDS = 3600
_MOST_COPIES = 1 << 30  # bytes of a dataset that a kill may leave behind as copies without a place


class Delivery:
    """Fetches what is missing, and puts every file in its place.

    A file is put as soon as its object is in the cache, while others are still on their way; only
    a folder that has to be verified as a whole waits until it is complete.

    Parameters
    ----------
    session : Workspace
        Its caches and remotes.
    destination : Destination
        The folder.
    linker : Linker
        How files get there.
    work : sequence of Work
        What was planned.
    progress : Progress
        Told what happens.
    """

    def __init__(
        self,
        session: Workspace,
        destination: Destination,
        linker: Linker,
        work: Sequence[Work],
        progress: Progress,
    ) -> None:
        self._session = session
        self._destination = destination
        self._linker = linker
        self._work = work
        self._progress = progress
        self._waiting: dict[ObjectId, list[Place]] = {}
        self._names: dict[str, set[str]] = {}
        for one in work:
            for place in one.todo:
                folder, name = _split(place)
                self._names.setdefault(folder, set()).add(name[:100])
            for place in one.todo if not one.is_checked_whole else ():
                self._waiting.setdefault(place.wanted.oid, []).append(place)

    def run(self, missing: dict[ObjectId, Wanted]) -> None:
        """Do all of it; what fails is noted with the dataset that it belongs to.

        Parameters
        ----------
        missing : dict
            The objects that have to be fetched.

        Raises
        ------
        NoSpaceError
            If the disk is full; what came before stays, and is not fetched again.
        """
        try:
            self._run(missing)
        finally:
            self._discard_copies()

    def _run(self, missing: dict[ObjectId, Wanted]) -> None:
        failed: dict[ObjectId, NeurogisterError] = {}
        if missing:
            size = needed_bytes(self._work, set(missing))
            self._progress.start("Fetching", files=len(missing), size=size)
            try:
                failed = self._session.fetch(
                    list(missing.values()),
                    self._progress,
                    arrived=self._put_arrived,
                    with_copy=self._with_copy(),
                )
            finally:
                self._progress.finish()
        for one in self._work:
            self._note_failures(one, failed)
            self._check_whole(one)
        self._keep_listings()
        self._put_rest()
        self._finish_folders()

    def _with_copy(self) -> Container[ObjectId]:
        """Name the objects whose copy can be made while they come, and then only be renamed.

        The bytes are in memory then, and need not be read again.
        """
        cache = self._session.holdings.target()
        if not self._linker.copies or cache.shared_group:  # they would belong to that group
            return ()
        if not self._session.same_device(cache.work, self._destination.root):
            return ()
        late = {
            place.wanted.oid
            for one in self._work
            if one.is_checked_whole and _is_small(one)
            for place in one.todo
        }
        return late | self._waiting.keys()

    def _discard_copies(self) -> None:
        """Remove the copies that did not get to their place."""
        copies = self._session.holdings.copies
        while copies:
            with suppress(OSError):
                os.unlink(copies.popitem()[1])

    def _put_arrived(self, oids: Iterable[ObjectId]) -> None:
        places = [place for oid in oids for place in self._waiting.pop(oid, ())]
        if places:
            self._put(places)

    def _put(self, places: Sequence[Place], progress: Progress = SILENT) -> None:
        with self._session.tree_lock(self._destination.root, self._progress):
            self._clear_halves(places)
            put(
                places,
                self._destination,
                self._session.holdings,
                self._linker,
                progress=progress,
            )

    def _clear_halves(self, places: Iterable[Place]) -> None:
        """Remove files that a killed pull was still copying to the folders of these places.

        In the work tree nobody else is at it, as we hold the lock. Elsewhere somebody may be.
        """
        ours = self._destination.root == self._session.worktree
        oldest = time.time() + 1 if ours else time.time() - _HALF_SECONDS
        for folder in {_split(place)[0] for place in places} & self._names.keys():
            names = self._names.pop(folder)
            with suppress(OSError), os.scandir(self._destination.path(folder)) as entries:
                for entry in entries:
                    half = _HALF.match(entry.name)
                    if half is None or half[1] not in names or not entry.is_file():
                        continue
                    if entry.stat(follow_symlinks=False).st_mtime < oldest:
                        os.unlink(entry.path)

    def _put_rest(self) -> None:
        rest = [place for places in self._waiting.values() for place in places]
        for one in self._work:
            if one.is_checked_whole:
                rest += one.todo
        rest = [place for place in rest if self._session.holdings.has(place.wanted.oid)]
        if not rest:
            return
        size = sum(place.wanted.expected.size or 0 for place in rest)
        self._progress.start("Placing", files=len(rest), size=size)
        try:
            self._put(rest, self._progress)
        finally:
            self._progress.finish()

    def _finish_folders(self) -> None:
        """Make folders that have no files, and remove what only another version had."""
        work = [one for one in self._work if one.error is None]
        if not any(one.leftovers or one.lacks_folder for one in work):
            return
        with self._session.tree_lock(self._destination.root, self._progress):
            for one in work:
                if one.lacks_folder:
                    self._destination.make_parents(f"{one.relative}/any")
                remove_leftovers(one.relative, one.leftovers, self._destination)

    def _note_failures(self, one: Work, failed: dict[ObjectId, NeurogisterError]) -> None:
        errors = {id(e): e for place in one.todo if (e := failed.get(place.wanted.oid))}
        if errors:
            one.error = _summed(list(errors.values()), one)
            one.todo = [place for place in one.todo if place.wanted.oid not in failed]

    def _check_whole(self, one: Work) -> None:
        """Compare a folder with the sha256 in its record, where no manifest tells each file's."""
        if one.error is not None or not one.is_checked_whole:
            return
        from concurrent.futures import ThreadPoolExecutor  # 5 ms, for few datasets

        with ThreadPoolExecutor(_WORKERS) as executor:
            entries = list(executor.map(self._with_sha256, one.entries or (), one.places))
        if listing_sha256(entries) != one.selection.sha256:
            one.error = IntegrityError(
                f"{one.selection.label}: the files together do not have the sha256 that the record"
                f" says ({one.selection.sha256})",
                hint="Nothing of it was put in place. Tell the maintainers of the registry.",
            )
            one.todo = []

    def _with_sha256(self, entry: Entry, place: Place) -> Entry:
        holdings = self._session.holdings
        oid = place.wanted.oid
        if (known := holdings.sha256(oid)) is not None:
            return replace(entry, sha256=known)
        path = holdings.path(oid) if holdings.has(oid) else self._destination.path(place.relative)
        return replace(entry, sha256=digests_of(path, ["sha256"])[1]["sha256"])

    def _keep_listings(self) -> None:
        """Give DVC the listing of each folder in its cache; a manifest lets us make it."""
        holdings = self._session.holdings
        for one in self._work:
            selection = one.selection
            if one.entries is None or selection.part is not None or one.error is not None:
                continue
            if holdings.find([selection.wanted()]):
                stat = holdings.target().store(selection.oid, dump_listing(one.entries))
                holdings.took([(selection.oid, stat, None)])

    def remember(self) -> None:
        """Note what lies whole at its place, so that the next pull need not look into it."""
        rows = []
        for one in self._work:
            if one.error is None and one.selection.part is None:
                summed = signature(one.path)
                if summed is not None:
                    rows.append((one.path, str(one.selection.oid), summed))
        self._session.state.remember_placed(rows)


def _split(place: Place) -> tuple[str, str]:
    folder, _, name = place.relative.rpartition("/")
    return folder, name


def _is_small(one: Work) -> bool:
    """Tell whether its copies may wait for each other; what has no known size may be anything."""
    return one.selection.size is not None and one.selection.size <= _MOST_COPIES


def _summed(errors: list[NeurogisterError], one: Work) -> NeurogisterError:
    if len(errors) == 1:
        return errors[0]
    return SeveralErrors(
        f"{one.selection.label}: {len(errors)} of {len(one.places)} files could not be had",
        errors,
        hint=errors[0].hint,
    )
