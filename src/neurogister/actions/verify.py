"""Proving that bytes are what the record says: on disk, in the cache, or in the remotes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from ..backends.cache import digests_of
from ..errors import NeurogisterError
from ..files import walk
from ..model.names import Target
from ..model.objects import Wanted
from ..progress import SILENT, Progress
from .checkedout import CheckedOut
from .describe import find_entries
from .selection import Selection, select
from .session import Session
from .signature import signature

_WORKERS = 4

OK = "ok"
ABSENT = "absent"
CHANGED = "changed"
MISSING = "missing"
EXTRA = "extra"
UNKNOWN = "unknown"
WITHDRAWN = "withdrawn"

BAD = (CHANGED, MISSING)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verification found out about one file, or one dataset.

    Parameters
    ----------
    name : str
        ``NAME``, or ``NAME:PATH`` for a file of a folder.
    where : str
        The file, or the word ``remote``.
    status : {'ok', 'changed', 'missing', 'extra', 'absent', 'unknown', 'withdrawn'}
        ``absent``: the dataset is not here at all. ``extra``: a file that the record does not
        have. ``unknown``: what it should be could not be found out. ``withdrawn``: the bytes are
        right, but should no longer be used.
    detail : str, optional
        The difference.
    error : NeurogisterError, optional
        What a remote answered.
    """

    name: str
    where: str
    status: str
    detail: str | None = None
    error: NeurogisterError | None = None


@dataclass(frozen=True, slots=True)
class _Check:
    wanted: Wanted
    path: Path
    name: str


def verify(
    session: Session,
    targets: Sequence[Target],
    *,
    into: Path | None = None,
    progress: Progress = SILENT,
) -> Iterator[Verdict]:
    """Read what is here of datasets to its end, and compare it with their records.

    A dataset is looked for in the work tree, then in the cache.

    Parameters
    ----------
    session : Session
        The registry.
    targets : sequence of Target
        What to verify.
    into : Path, optional
        The folder that a pull delivered to, instead of the work tree.
    progress : Progress
        Told about each file.

    Yields
    ------
    Verdict
        One for each file, in the order of the names.
    """
    checked_out = CheckedOut(session)
    for target in targets:
        selection = select(session.reader, target, allow_withdrawn=True)
        if into is None:
            place = checked_out.expected_place(selection)
        else:
            place = into.joinpath(*selection.name.split("/"))
        for verdict in _verify_one(session, selection, place, progress):
            if verdict.status == OK and selection.item.status == "withdrawn":
                detail = f"{selection.item.name} was withdrawn, and a copy is still here"
                yield replace(verdict, status=WITHDRAWN, detail=detail)
            else:
                yield verdict


def _verify_one(
    session: Session, selection: Selection, place: Path | None, progress: Progress
) -> Iterator[Verdict]:
    if place is not None and os.path.lexists(place):
        yield from _verify_place(session, selection, place, progress)
        return
    try:
        yield from _verify_cached(session, selection, progress)
    except NeurogisterError as error:
        yield Verdict(selection.label, "cache", UNKNOWN, error.message, error)


def _verify_place(
    session: Session, selection: Selection, place: Path, progress: Progress
) -> Iterator[Verdict]:
    if not selection.is_folder:
        yield from _read(session, [_Check(selection.wanted(), place, selection.label)], progress)
        return
    try:
        entries = find_entries(session, selection, ask=True, progress=progress)
    except NeurogisterError as error:
        yield Verdict(selection.label, str(place), UNKNOWN, error.message, error)
        return
    if entries is None:
        yield Verdict(selection.label, str(place), UNKNOWN, "its listing is not here")
        return
    before = signature(place)
    checks = [
        _Check(
            selection.wanted_entry(entry),
            place.joinpath(*entry.path.split("/")),
            f"{selection.name}:{entry.path}",
        )
        for entry in entries
    ]
    good = True
    for verdict in _read(session, checks, progress):
        good = good and verdict.status == OK
        yield verdict
    if selection.part is None:
        yield from _extra(selection, place, {entry.path for entry in entries})
        if good and before is not None and before == signature(place):
            session.state.remember_placed([(place, str(selection.oid), before)])


def _extra(selection: Selection, place: Path, known: set[str]) -> Iterator[Verdict]:
    for relative, entry in sorted(walk(place), key=lambda pair: pair[0]):
        if relative not in known:
            yield Verdict(f"{selection.name}:{relative}", entry.path, EXTRA, "not in the record")


def _verify_cached(session: Session, selection: Selection, progress: Progress) -> Iterator[Verdict]:
    """Check what the caches have; what they lack is absent, not lost: a cache may be emptied."""
    wanted = [(selection.label, selection.wanted())]
    if selection.is_folder:
        entries = find_entries(session, selection, ask=False, progress=progress) or []
        wanted = [
            (f"{selection.name}:{entry.path}", selection.wanted_entry(entry)) for entry in entries
        ]
    caches = session.holdings.caches
    checks, absent = [], []
    for name, each in wanted:
        cache = next((cache for cache in caches if cache.stat(each.oid) is not None), None)
        if cache is None:
            absent.append(Verdict(name, "", ABSENT, "not in the cache"))
        else:
            checks.append(_Check(each, cache.path(each.oid), name))
    if not checks:
        yield Verdict(selection.label, "", ABSENT, "neither in the work tree nor in the cache")
        return
    yield from _read(session, checks, progress)
    yield from absent


def _read(session: Session, checks: Sequence[_Check], progress: Progress) -> Iterator[Verdict]:
    caches = [os.path.realpath(cache.root) for cache in session.holdings.caches]

    def one(check: _Check) -> Verdict:
        verdict = _read_one(check, caches)
        progress.advance(files=1, size=check.wanted.expected.size or 0)
        return verdict

    with ThreadPoolExecutor(_WORKERS) as executor:
        yield from executor.map(one, checks)


def _read_one(check: _Check, caches: Sequence[str]) -> Verdict:
    path = check.path
    try:
        if stat.S_ISLNK(os.lstat(path).st_mode):
            real = Path(os.path.realpath(path))
            if not any(real.is_relative_to(cache) for cache in caches):
                return Verdict(check.name, str(path), CHANGED, f"it is a link to {real}")
            path = real
        size, digests = digests_of(path, check.wanted.expected.algorithms)
    except (FileNotFoundError, NotADirectoryError):
        return Verdict(check.name, str(path), MISSING, "the file is not there")
    except (OSError, NeurogisterError) as error:
        return Verdict(check.name, str(path), CHANGED, str(error))
    difference = check.wanted.expected.difference(size, digests)
    return Verdict(check.name, str(check.path), CHANGED if difference else OK, difference)


def verify_remote(
    session: Session, targets: Iterable[Target], *, progress: Progress = SILENT
) -> Iterator[Verdict]:
    """Read every byte of datasets from the remotes, and compare it with their records.

    Yields
    ------
    Verdict
        One for each object that a name stands for; ``changed`` where no remote has the right
        bytes, ``missing`` where none has any, ``unknown`` where none could be asked.
    """
    names: list[tuple[str, Wanted]] = []
    for target in targets:
        selection = select(session.reader, target, allow_withdrawn=True)
        names.append((selection.label, selection.wanted()))
        if selection.is_folder:
            try:
                entries = find_entries(session, selection, ask=True, progress=progress) or []
            except NeurogisterError as error:
                yield Verdict(selection.label, "remote", _status(error), error.message, error)
                names.pop()
                continue
            names += [
                (f"{selection.name}:{entry.path}", selection.wanted_entry(entry))
                for entry in entries
            ]
    objects = {wanted.oid: wanted for _, wanted in names}
    failed = session.check_remotes(list(objects.values()), progress)
    for name, wanted in names:
        problem = failed.get(wanted.oid)
        status = OK if problem is None else _status(problem)
        yield Verdict(name, "remote", status, problem.message if problem else None, problem)


def _status(error: NeurogisterError) -> str:
    if isinstance(error, LookupError):
        return MISSING
    return CHANGED if isinstance(error, ValueError) else UNKNOWN
