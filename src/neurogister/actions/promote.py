"""Promoting: the objects that merged pointers name go from staging to the main remote.

Nothing that lies in staging is trusted, not even its names: what is asked for follows from the
commit alone, comes into the cache under a temporary name, is compared with every digest and size
that is known, and only then stored, where there is none yet. Nothing is ever removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import (
    IntegrityError,
    InvalidFileError,
    NeurogisterError,
    NotFoundError,
    OfflineError,
    UsageError,
    collect_errors,
)
from ..model.listing import dump_listing
from ..model.objects import ObjectId
from ..progress import SILENT, Progress
from .auditlog import AuditLog
from .entries import entries_from_manifest
from .named import (
    Named,
    check_total,
    find_named,
    listing_limit,
    read_listing,
)
from .presence import ask_for
from .promotion import PLANNED, PROMOTED, THERE, Order, Promoted, Promotion
from .stagings import Stagings, messages_since
from .upload import Outgoing, Stored, other_there, upload

if TYPE_CHECKING:
    from ..backends.remotes import ObjectStat, Remote
    from ..model.objects import Wanted
    from ..registry.reader import Reader
    from .selection import Selection
    from .session import Session


def promote(session: Session, order: Order, *, progress: Progress = SILENT) -> Promotion:
    """Bring the objects that a commit names from staging to the main remote.

    Parameters
    ----------
    session : Session
        The registry; of a checkout, the last commit counts, and not the work tree.
    order : Order
        What, and how.
    progress : Progress
        Told about each object.

    Returns
    -------
    Promotion

    Raises
    ------
    IntegrityError, InvalidFileError
        If an object in staging (or in the main remote) is another one, or the commit contradicts
        itself. Nothing was stored.
    NotFoundError
        If neither staging nor the main remote has an object.
    RefusedError
        If a submission names an address that it may not.
    NetworkError, CredentialsError, NoSpaceError, OfflineError
        If a remote cannot be used. What is in the cache already need not come again.
    """
    if session.settings.offline:
        raise OfflineError(
            "promoting needs the network, which may not be used (`--offline`)",
            hint="Run it again without `--offline`.",
        )
    with _commits(session, order.base) as (reader, since):
        return _Promotion(session, reader, since, order, progress).run()


@contextmanager
def _commits(session: Session, base: str | None) -> Iterator[tuple[Reader, Reader | None]]:
    """Open the commit that is promoted, and the one that it is compared with."""
    shown = session.reader
    if shown.commit is None:
        raise NotFoundError("the registry has no commit yet: there is nothing to promote")
    with ExitStack() as stack:
        reader = shown if shown.rev is not None else None
        if reader is None:
            reader = stack.enter_context(closing(shown.at(shown.commit)))
        since = stack.enter_context(closing(shown.at(base))) if base is not None else None
        yield reader, since


def revalidate(session: Session, reader: Reader, since: Reader | None) -> Named:
    """Validate a commit again, and return the objects that it names.

    The one place where promoting decides what to believe of a commit: what `validate` refuses is
    refused here, before anything is asked for.

    Raises
    ------
    InvalidFileError, IntegrityError, SeveralErrors
        If it must not be promoted.
    """
    from .session import Session as Opened
    from .validate import validate

    base = None if since is None else since.commit
    report = validate(Opened(reader, session.settings), base=base, scope="maintainer")
    problems: list[NeurogisterError] = [
        InvalidFileError(
            f"{each.path}{f', line {each.line}' if each.line else ''}: {each.message}",
            hint=f"`neurogister explain {each.rule}`. Nothing was promoted.",
        )
        for each in [*report.errors, *report.unjudged]
    ]
    if problems:
        raise collect_errors(problems, report.checked or len(problems))
    return find_named(reader, since=since)


class _Promotion:
    def __init__(
        self,
        session: Session,
        reader: Reader,
        since: Reader | None,
        order: Order,
        progress: Progress,
    ) -> None:
        self._session = session
        self._reader = reader
        self._since = since
        self._order = order
        self._progress = progress
        self._named = revalidate(session, reader, since)
        self._main = session.writable_remote(order.to)
        self._there: dict[ObjectId, ObjectStat] = {}
        self._sources: list[Remote] | None = None

    def run(self) -> Promotion:
        with Stagings(
            self._session, self._reader.info().submissions, self._named, self._progress
        ) as stagings:
            self._stagings = stagings
            missing = self._ask([*self._named.wanted.values()])
            missing += self._ask(self._read_listings())
            stored = {} if self._order.dry_run else self._bring(missing)
        if self._order.verify_remote and not self._order.dry_run:
            self._read_back([oid for oid in self._there if oid not in stored])
        return self._report(missing, stored)

    # Finding out.

    def _ask(self, wanted: Sequence[Wanted]) -> list[Wanted]:
        """Return what the main remote lacks.

        Raises
        ------
        IntegrityError
            If it has another object in the place of one.
        NetworkError, CredentialsError
            If it does not answer.
        """
        self._progress.start(f"Asking '{self._main.name}'", files=len(wanted), size=0)
        try:
            answers = ask_for(
                self._main, [one.oid for one in wanted], progress=self._progress, **self._how
            )
        finally:
            self._progress.finish()
        missing: list[Wanted] = []
        doubtful: list[ObjectId] = []
        problems: list[NeurogisterError] = []
        for one in wanted:
            answer = answers[one.oid]
            if isinstance(answer, NotFoundError):
                missing.append(one)
            elif isinstance(answer, NeurogisterError):
                problems.append(answer)
            elif one.expected.size not in (None, answer.size) and answer.size is not None:
                problems.append(other_there(self._main, one.oid, one.label, answer))
            else:
                self._there[one.oid] = answer
                if answer.md5 not in (None, one.oid.md5) and not one.oid.legacy:
                    doubtful.append(one.oid)  # some servers have other marks that look so
        if problems:
            raise collect_errors(problems, len(wanted))
        if doubtful:
            self._read_back(doubtful)
        return missing

    def _read_listings(self) -> list[Wanted]:
        """Return the files of folders of which only a stranger's listing tells them."""
        folders = {each.oid: each for each in self._named.unlisted}
        known = set(self._named.wanted)
        self._fetch([self._named.wanted[oid] for oid in folders])
        for oid, selection in folders.items():
            data = self._session.holdings.read(oid, limit=listing_limit(selection))
            self._named.add_folder(selection, read_listing(selection, data))
        return [one for oid, one in self._named.wanted.items() if oid not in known]

    # Bringing.

    def _bring(self, missing: Sequence[Wanted]) -> dict[ObjectId, Stored]:
        for one in missing:
            self._make_listing(one.oid)
        self._fetch(missing)
        self._check_totals()
        return self._store(missing)

    def _make_listing(self, oid: ObjectId) -> None:
        """Make a listing of what git says, instead of asking for it."""
        selection = self._named.listed.get(oid)
        if selection is None:
            return
        entries = entries_from_manifest(self._reader, selection) or []
        holdings = self._session.holdings
        holdings.took([(oid, holdings.target().store(oid, dump_listing(entries)), None)])
        holdings.origins[oid] = "git"

    def _fetch(self, wanted: Sequence[Wanted]) -> None:
        """Bring objects into the cache, each verified; raise if one does not come.

        Raises
        ------
        NotFoundError, IntegrityError, NetworkError, …
            Why; those that came stay in the cache.
        """
        absent = self._session.holdings.find(wanted)
        there = [one for one in absent if one.oid in self._there]
        waiting = [one for one in absent if one.oid not in self._there]
        if there:  # listings that were promoted before
            self._fetch_from([self._main], there)
        if waiting:
            for one in waiting:
                self._refuse_boundless(one)
            self._fetch_from(self._open_sources(), waiting)

    def _fetch_from(self, remotes: Sequence[Remote], wanted: Sequence[Wanted]) -> None:
        names = ", ".join(f"'{remote.name}'" for remote in remotes)
        size = sum(one.expected.size or 0 for one in wanted)
        self._progress.start(f"Fetching from {names}", files=len(wanted), size=size)
        try:
            failed = self._session.fetch(wanted, self._progress, remotes=remotes)
        finally:
            self._progress.finish()
        if failed:
            raise collect_errors(list(failed.values()), len(wanted))

    def _refuse_boundless(self, one: Wanted) -> None:
        """Nothing is fetched from a stranger of which nobody says how large it may be."""
        if one.expected.size is None and not one.oid.listing and one.limit >= 1 << 50:
            raise IntegrityError(
                f"{one.label}: its pointer does not say how large it is",
                hint="`dvc add` writes it; then commit the pointer.",
            )

    def _open_sources(self) -> list[Remote]:
        if self._sources is None:
            messages = messages_since(self._reader, self._since)
            self._sources = self._stagings.open(self._order.sources, messages)
            if any(each.address == self._main.address for each in self._sources):
                raise UsageError(
                    f"'{self._main.name}' ({self._main.address}) is both staging and main remote",
                    hint="`--to NAME` says where the registry keeps its bytes.",
                )
        return self._sources

    def _check_totals(self) -> None:
        """Compare the files of folders without a manifest with what their pointers say."""
        for selection in self._named.unlisted:
            sizes = [self._size(oid) for oid in self._members(selection)]
            known = [size for size in sizes if size is not None]
            if len(known) == len(sizes):
                check_total(selection, known)

    def _members(self, selection: Selection) -> list[ObjectId]:
        data = self._session.holdings.read(selection.oid, limit=listing_limit(selection))
        return [selection.wanted_entry(each).oid for each in read_listing(selection, data)]

    def _size(self, oid: ObjectId) -> int | None:
        holdings = self._session.holdings
        if holdings.has(oid):
            return holdings.path(oid).stat().st_size
        return self._there[oid].size if oid in self._there else None

    def _store(self, missing: Sequence[Wanted]) -> dict[ObjectId, Stored]:
        outgoing = [self._outgoing(one) for one in missing]
        size = sum(one.size for one in outgoing)
        audit = AuditLog(self._order.log, self._main, self._commit, self._session.holdings.origins)
        by_oid = {one.oid: one for one in outgoing}
        self._progress.start(f"Storing in '{self._main.name}'", files=len(outgoing), size=size)
        try:
            with audit:
                results = upload(
                    self._main, outgoing, read_back=self._order.verify_remote, replace=False,
                    progress=self._progress,
                    arrived=lambda oids: audit.write([by_oid[oid] for oid in oids]), **self._how,
                )  # fmt: skip
        finally:
            self._progress.finish()
        failed = [each for each in results.values() if isinstance(each, NeurogisterError)]
        if failed:
            raise collect_errors(failed, len(results))
        return {oid: each for oid, each in results.items() if isinstance(each, Stored)}

    def _outgoing(self, one: Wanted) -> Outgoing:
        path = self._session.holdings.path(one.oid)
        return Outgoing(one.oid, path.stat().st_size, path, one.label, one.expected.sha256)

    # Proving.

    def _read_back(self, oids: Sequence[ObjectId]) -> None:
        """Read what was there before to its end."""
        from .transfer import RemoteChecker  # only where it is asked for

        wanted = [self._named.wanted[oid] for oid in oids]
        size = sum(one.expected.size or 0 for one in wanted)
        self._progress.start(f"Reading from '{self._main.name}'", files=len(wanted), size=size)
        try:
            checker = RemoteChecker([self._main], progress=self._progress, **self._how)
            failed = checker.run(wanted)
        finally:
            self._progress.finish()
        if failed:
            raise collect_errors(list(failed.values()), len(wanted))

    def _report(self, missing: Sequence[Wanted], stored: Mapping[ObjectId, Stored]) -> Promotion:
        absent = {one.oid for one in missing}
        result = Promotion(self._commit, self._main.name)
        for oid, one in self._named.wanted.items():
            status = THERE if oid not in absent else PLANNED if self._order.dry_run else PROMOTED
            result.objects.append(self._promoted(oid, one, status, stored.get(oid)))
        result.objects.sort(key=lambda each: (each.name, each.object))
        return result

    def _promoted(self, oid: ObjectId, one: Wanted, status: str, stored: Stored | None) -> Promoted:
        origin = self._session.holdings.origins.get(oid, "cache") if status == PROMOTED else None
        read = self._order.verify_remote and status == THERE and not self._order.dry_run
        found = "content" if read else None
        if found is None and oid in self._there:
            found = "md5" if self._there[oid].md5 == oid.md5 else "size"
        size = one.expected.size if one.expected.size is not None else self._size(oid)
        return Promoted(
            object=str(oid), name=one.label, size=size, sha256=one.expected.sha256, status=status,
            source=origin, to=self._main.address, proof=stored.proof if stored else found,
        )  # fmt: skip

    @property
    def _commit(self) -> str:
        return str(self._reader.commit)

    @property
    def _how(self) -> dict[str, Any]:
        settings = self._session.settings
        return {"jobs": settings.jobs, "retries": settings.retries}
