"""Storing objects of the cache in a remote, and making sure that it really has them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..backends.remotebase import Lists
from ..backends.remotes import ObjectStat, Remote
from ..errors import (
    CredentialsError,
    IntegrityError,
    NetworkError,
    NeurogisterError,
    NoSpaceError,
    NotFoundError,
    RefusedError,
)
from ..files import open_regular, system_errors
from ..model.digest import Buffer, Expected
from ..model.objects import ObjectId, Wanted
from ..progress import SILENT, Progress
from .attempts import Arrived, Attempts, Failures, Unfinished
from .survey import MANY, Survey, survey
from .transfer import named, read_to_end

SMALL = 1 << 20
_PROBES = 64  # small objects that are asked for before they are sent
_NOT_KEPT = (
    "The remote does not keep what it is given. Run the same command again; if that does not"
    " help, tell its owner."
)
_HOPELESS = (CredentialsError, NoSpaceError, NotFoundError, RefusedError)
"""What one object cannot get over will stop the others too."""

Proof = Literal["size", "md5", "content"]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An object that a remote is to have.

    Parameters
    ----------
    oid : ObjectId
        Its address.
    size : int
        In bytes.
    path : Path
        Where it is in the cache; its digest was verified.
    label : str
        What the user calls it.
    sha256 : str, optional
        Compared too when it is read back.
    """

    oid: ObjectId
    size: int
    path: Path
    label: str
    sha256: str | None = None

    @property
    def wanted(self) -> Wanted:
        """The same as something to be read."""
        expected = Expected(
            self.oid.md5, size=self.size, sha256=self.sha256, legacy=self.oid.legacy
        )
        return Wanted(self.oid, expected, self.label, self.size)


@dataclass(frozen=True, slots=True)
class Stored:
    """That a remote has an object, and how we know.

    Parameters
    ----------
    state : {'stored', 'there'}
        Whether it was sent now, or was there already.
    proof : {'size', 'md5', 'content'}
        What the remote says of it, or that it was read back to its end and compared.
    """

    state: Literal["stored", "there"]
    proof: Proof


def upload(
    remote: Remote,
    outgoing: Sequence[Outgoing],
    *,
    jobs: int | None = None,
    retries: int = 6,
    read_back: bool = False,
    replace: bool = True,
    progress: Progress = SILENT,
    arrived: Arrived = lambda _: None,
) -> dict[ObjectId, Stored | NeurogisterError]:
    """Store objects in a remote, and make sure that it has them.

    The listings of folders come last, and only if all else is there: whoever finds one finds the
    files in it too.

    Parameters
    ----------
    remote : Remote
        Where they go; its `Remote.why_not_writable` says nothing.
    outgoing : sequence of Outgoing
        The objects.
    jobs : int, optional
        How many at once; none lets the remote choose.
    retries : int
        How often what failed for a passing reason is tried again.
    read_back : bool
        Whether to read every object back to its end, also those that were there.
    replace : bool
        Whether what is there with another size or md5 is replaced, and is no error.
    progress : Progress
        Told about each object and its bytes; the caller starts and finishes it.
    arrived : callable
        Told every now and then, in this thread, which objects are there.

    Returns
    -------
    dict
        What became of each: `Stored`, or why it is not there for sure. The errors are
        `IntegrityError` (the remote does not keep what it is given), `CredentialsError`,
        `NetworkError`, `NoSpaceError` and the like.
    """
    uploader = Uploader(
        remote, read_back=read_back, replace=replace, jobs=jobs, retries=retries, progress=progress
    )
    tasks = {one.oid: one for one in outgoing}.values()
    results: dict[ObjectId, Stored | NeurogisterError] = {}
    results |= uploader.run([one for one in tasks if not one.oid.listing], arrived=arrived)
    failed = [each for each in results.values() if isinstance(each, NeurogisterError)]
    listings = [one for one in tasks if one.oid.listing]
    if failed:
        return results | {one.oid: _left_out(one, failed) for one in listings}
    return results | uploader.run(listings, arrived=arrived)


class Uploader(Attempts[Outgoing, Stored]):
    """Stores objects in one remote.

    Parameters
    ----------
    remote : Remote
        Where they go.
    read_back : bool
        Whether to read every object back.
    replace : bool
        Whether what is there, but is another one, is replaced.
    **options
        As `Attempts`.
    """

    fatal = ()

    def __init__(
        self, remote: Remote, *, read_back: bool, replace: bool = True, **options: Any
    ) -> None:
        super().__init__([remote], **options)
        self._remote = remote
        self._read_back = read_back
        self._replace = replace
        self._sent: set[ObjectId] = set()
        self._stored: dict[ObjectId, Stored] = {}
        self._asked = self._found = 0
        self._hopeless: NeurogisterError | None = None
        self._before = Survey()
        self._together: set[ObjectId] = set()
        self._unproved: dict[ObjectId, ObjectStat] = {}

    def run(
        self, outgoing: Sequence[Outgoing], *, arrived: Arrived = lambda _: None
    ) -> dict[ObjectId, Stored | NeurogisterError]:
        """Store objects, the largest first; return what became of each."""
        tasks = sorted(outgoing, key=lambda one: -one.size)
        self._begin_together(tasks)
        failed = self.run_all(tasks, arrived=lambda oids: arrived(self._proved(oids)))
        if self._unproved:
            failed |= self._prove_together(tasks, arrived)
        return {one.oid: failed.get(one.oid) or self._stored[one.oid] for one in outgoing}

    def _keep(self, done: Sequence[tuple[Outgoing, Stored]]) -> None:
        self._stored |= {one.oid: stored for one, stored in done if one.oid not in self._unproved}

    def _proved(self, oids: Sequence[ObjectId]) -> list[ObjectId]:
        return [oid for oid in oids if oid not in self._unproved]

    def _begin_together(self, tasks: Sequence[Outgoing]) -> None:
        """Find out whether a list is to tell of many small objects, before and after.

        What must not be replaced, or is read back, is asked for one by one.
        """
        small = {one.oid for one in tasks if one.size <= SMALL and not one.oid.legacy}
        able = isinstance(self._remote, Lists) and self._replace and not self._read_back
        if able and len(small) >= MANY:
            self._together = small
            self._before = survey(self._remote, {oid.key for oid in small})

    def _prove_together(self, tasks: Sequence[Outgoing], arrived: Arrived) -> Failures:
        """Make sure that the remote has what was sent; what its list does not tell is asked for."""
        sent = [one for one in tasks if one.oid in self._unproved]
        seen = survey(self._remote, {one.oid.key for one in sent}).seen
        rest = []
        for one in sent:
            stat = seen.get(one.oid.key)
            if stat is None or stat.size is None or _is_other(stat, one):
                rest.append(one)
                continue
            del self._unproved[one.oid]
            self._stored[one.oid] = Stored("stored", _proof(stat, one))
        arrived(self._proved([one.oid for one in sent]))
        self._together = set()
        self._progress.advance(files=-len(rest), size=-sum(one.size for one in rest))
        return self.run_all(rest, arrived=arrived)

    def _do(self, task: Outgoing) -> Stored | Unfinished[Stored]:
        if self._hopeless is not None:
            error = self._hopeless
            raise type(error)(f"{task.label}: not sent any more: {error.message}", hint=error.hint)
        try:
            return self._persist(self._remote, task)
        except NeurogisterError as error:
            if isinstance(error, _HOPELESS):
                self._hopeless = error
            raise named(error, task.label) from error

    def _try(self, remote: Remote, task: Outgoing, *, careful: bool) -> Stored:
        if (told := self._unproved.pop(task.oid, None)) is not None:
            self._progress.advance(size=task.size)
            return self._stored_as(remote, task, told)
        proof = None
        if careful or self._asks_first(task):
            proof = self._find(remote, task, careful=careful)
            self._asked += 1
        if proof is not None:
            self._found += 1
            self._progress.advance(size=task.size)
            return Stored("stored" if task.oid in self._sent else "there", proof)
        self._sent.add(task.oid)
        told = remote.write(
            task.oid.key,
            _source(task),
            md5=None if task.oid.legacy else task.oid.md5,
            careful=careful,
            advance=self._count,
        )
        if task.oid in self._together and not careful and told.md5 in (None, task.oid.md5):
            self._unproved[task.oid] = told
            return Stored("stored", "size")  # which is yet to be seen
        return self._stored_as(remote, task, told)

    def _stored_as(self, remote: Remote, task: Outgoing, told: ObjectStat) -> Stored:
        try:
            return Stored("stored", self._prove(remote, task, told))
        except NeurogisterError:
            self._progress.advance(size=-task.size)
            raise

    def _asks_first(self, task: Outgoing) -> bool:
        """Tell whether to ask for an object before it is sent.

        When of many small ones none of the first is there, the others will hardly be: sending what
        is there already does no harm, and each question takes as long as a small object.
        """
        if task.oid.key in self._before.seen:
            return True
        if task.oid in self._together and self._before.is_whole:
            return False
        some = task.size > SMALL or self._found > 0 or self._asked < _PROBES
        return some or not self._replace

    def _count(self, count: int) -> None:
        if count >= 0 and self._stop.is_set():
            raise NetworkError("stopped", temporary=False)
        self._progress.advance(size=count)

    def _find(self, remote: Remote, task: Outgoing, *, careful: bool) -> Proof | None:
        """Tell how we know that the remote has an object; None if it must be sent."""
        listed = self._before.seen.pop(task.oid.key, None)
        if listed is not None and listed.size is not None and not _is_other(listed, task):
            return _proof(listed, task)
        try:
            stat = self._stat(remote, task, careful=careful)
        except (NotFoundError, CredentialsError):
            return None  # perhaps we may write there, but not look
        if _is_other(stat, task) and not self._replace and task.oid not in self._sent:
            raise other_there(self._remote, task.oid, task.label, stat)
        if _is_other(stat, task) or (stat.size is None and stat.md5 is None):
            return None
        if self._read_back:
            try:
                return self._read(remote, task)
            except IntegrityError:
                return None
        return _proof(stat, task)

    def _prove(self, remote: Remote, task: Outgoing, told: ObjectStat) -> Proof:
        """Tell how we know that the remote has what it says to have stored."""
        if self._read_back:
            return self._read(remote, task)
        try:
            stat = self._stat(remote, task, careful=False)
        except NotFoundError:
            raise IntegrityError(
                f"{task.label}: the remote '{remote.name}' ({remote.address}) said that it had"
                f" stored {task.oid.key}, and does not have it",
                hint=_NOT_KEPT,
            ) from None
        except CredentialsError:
            if told.md5 == task.oid.md5:
                return "md5"  # we may not look, but its answer said it
            raise
        if stat.size is not None and stat.size != task.size:
            raise IntegrityError(
                f"{task.label}: the remote '{remote.name}' ({remote.address}) said that it had"
                f" stored {task.oid.key}, and has {stat.size:,} bytes of {task.size:,}",
                hint=_NOT_KEPT,
            )
        if stat.md5 == task.oid.md5:
            return "md5"
        # What looks like another md5 may be something else: only the bytes can tell.
        return self._read(remote, task) if _is_other(stat, task) or stat.size is None else "size"

    def _stat(self, remote: Remote, task: Outgoing, *, careful: bool) -> ObjectStat:
        stat = remote.stat(task.oid.key, careful=careful)
        if stat.size == task.size and _is_other(stat, task) and not careful:
            stat = remote.stat(task.oid.key, careful=True)
        return stat

    def _read(self, remote: Remote, task: Outgoing) -> Proof:
        try:
            read_to_end(remote, task.wanted, advance=lambda _: None, stop=self._stop)
        except IntegrityError as error:
            raise IntegrityError(error.message, hint=_NOT_KEPT) from None
        return "content"


def other_there(remote: Remote, oid: ObjectId, label: str, stat: ObjectStat) -> IntegrityError:
    """Return the error for a remote that has something else in the place of an object."""
    has = "another md5" if stat.size is None else f"{stat.size:,} bytes"
    return IntegrityError(
        f"{label}: what the remote '{remote.name}' ({remote.address}) has as {oid.key} is another"
        f" object ({has})",
        hint="It is left alone, as nothing is ever removed there. Look at it, and ask its owner.",
    )


def _proof(stat: ObjectStat, task: Outgoing) -> Proof:
    """Tell how we know of an object that fits what the remote says of it."""
    return "md5" if stat.md5 == task.oid.md5 else "size"


def _is_other(stat: ObjectStat, task: Outgoing) -> bool:
    """Tell whether what a remote says of an object does not fit."""
    if stat.size is not None and stat.size != task.size:
        return True
    # DVC 2 computed other digests of text than a server does.
    return stat.md5 is not None and stat.md5 != task.oid.md5 and not task.oid.legacy


def _source(task: Outgoing) -> Buffer | Path:
    """Return the bytes of a small object, or the file of a large one."""
    with system_errors(task.path, "read"):
        if task.size > SMALL:
            size = os.lstat(task.path).st_size
            source: Buffer | Path = task.path
        else:
            with open_regular(task.path) as stream:
                source = stream.read(SMALL + 1)
            size = len(source)
    if size != task.size:
        raise NeurogisterError(
            f"{task.label}: {task.path} has {size:,} bytes, and had {task.size:,}",
            hint="Nothing may change the files of a cache. Remove it, and run the command again.",
        )
    return source


def _left_out(task: Outgoing, failed: Sequence[NeurogisterError]) -> NeurogisterError:
    count = len(failed)
    return type(failed[0])(
        f"{task.label}: the list of its files was not stored, as {count:,} of the files"
        f" {'was' if count == 1 else 'were'} not",
        hint=failed[0].hint,
    )
