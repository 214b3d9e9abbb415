"""Bytes: what pointers name is in the main remote, or waits in staging, and is what they say.

The main remote is asked for sizes; what is there was verified when it came. Staging is never
trusted: all that lies there is read and compared with every digest that is known, and so is what
the main remote tells no size of. Nothing is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...errors import IntegrityError, InvalidFileError, NeurogisterError, NotFoundError
from ...model.digest import Expected
from ...model.finding import UNJUDGED
from ...model.listing import Entry, parse_listing, size_limit
from ...model.manifest import parse_manifest
from ...model.objects import ObjectId, Wanted, stricter
from ...progress import SILENT, Progress
from ...registry.layout import DVC_CONFIG, MANIFEST_SUFFIX, POINTER, name_of, place_of
from ..content import check_content
from ..presence import ask_for
from ..transfer import RemoteChecker, Transfers
from .reading import finding
from .submission import CONTRIBUTOR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...backends.remotebase import ObjectStat
    from ...backends.remotes import Remote
    from ...model.finding import Finding
    from ...model.pointer import Pointer
    from ..session import Session
    from .reading import Document
    from .submission import Submission

_MOST = 1 << 50
_SHOWN = 20  # findings of one pointer


@dataclass(slots=True)
class Places:
    """Where bytes are looked for.

    Parameters
    ----------
    main : Remote
        The registry's own.
    staging : callable
        Opens the stagings, when something is not in the main remote: they get to know what it may
        have.
    """

    main: Remote
    staging: Callable[[dict[ObjectId, Wanted]], Sequence[Remote]]


@dataclass(slots=True)
class Held:
    """What was found of the objects that a submission names.

    Parameters
    ----------
    wanted : dict
        Each object, and all that is said of it.
    owners : dict
        The pointers that name an object, and what the file is called in each.
    where : dict
        The remote that has an object as it must be.
    clashes : list
        Pointers that say of one object what others deny.
    """

    wanted: dict[ObjectId, Wanted] = field(default_factory=dict)
    owners: dict[ObjectId, list[tuple[str, str]]] = field(default_factory=dict)
    where: dict[ObjectId, Remote] = field(default_factory=dict)
    clashes: list[tuple[str, str, NeurogisterError]] = field(default_factory=list)

    def add(self, document: Document, wanted: Wanted, label: str) -> None:
        """Note an object."""
        before = self.wanted.get(wanted.oid)
        try:
            self.wanted[wanted.oid] = wanted if before is None else stricter(before, wanted)
        except IntegrityError as error:
            self.clashes.append((document.path, label, error))
        self.owners.setdefault(wanted.oid, []).append((document.path, label))


class _Listings(Transfers):
    """Reads listings, each whole and compared with its digest."""

    def __init__(self, remotes: Sequence[Remote], **options: Any) -> None:
        super().__init__(remotes, **options)
        self.contents: dict[ObjectId, bytes] = {}

    def _try(self, remote: Remote, task: Wanted, *, careful: bool) -> Any:
        data = bytes(remote.read(task.oid.key, limit=task.limit, careful=careful))
        check_content(data, task, remote)
        self.contents[task.oid] = data
        return None


class ObjectCheck:
    """Looks for the objects of the pointers that change.

    Parameters
    ----------
    submission : Submission
        What is validated.
    session : Session
        The registry, for settings.
    places : Places
        Where to look.
    progress : Progress
        Told about objects and their bytes.
    """

    def __init__(
        self, submission: Submission, session: Session, places: Places, progress: Progress = SILENT
    ) -> None:
        self._submission = submission
        self._places = places
        self._options: dict[str, Any] = {
            "jobs": session.settings.jobs,
            "retries": session.settings.retries,
            "progress": progress,
        }
        self._progress = progress
        self._opened: Sequence[Remote] | None = None
        self.held = Held()

    def run(self) -> Iterator[Finding]:
        """Check all of them."""
        folders: list[tuple[Document, Pointer]] = []
        for document in self._submission.documents(POINTER):
            pointer = document.pointer()
            if pointer is None or not self._is_new(document, pointer):
                continue
            if pointer.is_dir:
                folders.append((document, pointer))
            else:
                wanted = _wanted_file(document, pointer)
                self.held.add(document, wanted, "")
        yield from self._folders(folders)
        yield from (_of_error(*clash) for clash in self.held.clashes)
        yield from self._files()

    def _is_new(self, document: Document, pointer: Pointer) -> bool:
        old = self._submission.old_document(self._submission.by_path[document.path])
        before = old.pointer() if old is not None else None
        block, _ = document.record_block()
        withdrawn = block.get("status") == "withdrawn"
        return not withdrawn and (before is None or before.digest != pointer.digest)

    # Folders.

    def _folders(self, folders: Sequence[tuple[Document, Pointer]]) -> Iterator[Finding]:
        lists = {_wanted_listing(doc, pointer).oid: _wanted_listing(doc, pointer)
                 for doc, pointer in folders}  # fmt: skip
        contents, failed = self._read_listings(lists)
        for document, pointer in folders:
            oid = _oid(pointer)
            if (error := failed.get(oid)) is not None:
                yield _of_error(document.path, "", error)
            entries = yield from self._entries(document, pointer, contents.get(oid))
            for entry in entries:
                self.held.add(document, _wanted_entry(document, pointer, entry), entry.path)

    def _read_listings(
        self, lists: dict[ObjectId, Wanted]
    ) -> tuple[dict[ObjectId, bytes], dict[ObjectId, NeurogisterError]]:
        if not lists:
            return {}, {}
        main = _Listings([self._places.main], **self._options)
        failed = main.run(lists.values())
        missing = {oid: lists[oid] for oid, e in failed.items() if isinstance(e, NotFoundError)}
        if missing and (stagings := self._stagings()):
            staged = _Listings(stagings, **self._options)
            failed |= dict.fromkeys(missing)  # type: ignore[arg-type]
            failed |= staged.run(missing.values())
            main.contents |= staged.contents
        return main.contents, {oid: error for oid, error in failed.items() if error is not None}

    def _entries(
        self, document: Document, pointer: Pointer, data: bytes | None
    ) -> Any:  # a generator of findings that returns the entries
        """Return the files of a folder: what its manifest says, if that is of the same files."""
        name = name_of(place_of(document.path))
        listed: list[Entry] | None = None
        if data is not None:
            try:
                listed = parse_listing(data, name=name, nfiles=pointer.nfiles)
            except InvalidFileError as error:
                yield finding("remote-differs", document, error.message, offending=pointer.digest)
                return []
        path = f"{place_of(document.path)}{MANIFEST_SUFFIX}"
        manifest = self._submission.manifest(path)
        if manifest is None:
            return listed or []
        try:
            entries = parse_manifest(manifest, name=path)
        except InvalidFileError:
            return listed or []  # other rules tell of it
        if listed is not None and (difference := _difference(listed, entries)) is not None:
            yield finding(
                "remote-differs", path, f"does not list what the remote has: {difference}",
                offending=difference,
            )  # fmt: skip
            return listed
        return [entry for entry in entries if entry.md5]

    # Files.

    def _files(self) -> Iterator[Finding]:
        held = self.held
        self._progress.start("Asking", files=len(held.wanted), size=0)
        try:
            answers = ask_for(self._places.main, list(held.wanted), **self._options)
        finally:
            self._progress.finish()
        unsure, absent = [], []
        for oid, answer in answers.items():
            if isinstance(answer, NotFoundError):
                absent.append(oid)
            elif isinstance(answer, NeurogisterError):
                yield from self._tell(oid, answer)
            elif _is_sure(held.wanted[oid], answer):
                yield from self._sized(oid, answer)
            else:
                unsure.append(oid)
        yield from self._read([self._places.main], unsure)
        if absent:
            stagings = self._stagings()
            if stagings:
                yield from self._read(stagings, absent)
            else:
                for oid in absent:
                    yield from self._tell(oid, answers[oid])

    def _sized(self, oid: ObjectId, stat: ObjectStat) -> Iterator[Finding]:
        size = self.held.wanted[oid].expected.size
        if size is not None and stat.size != size:
            why = f"{oid} has {stat.size:,} bytes in the remote, and should have {size:,}"
            yield from self._tell(oid, IntegrityError(why))
        else:
            self.held.where[oid] = self._places.main

    def _read(self, remotes: Sequence[Remote], oids: Sequence[ObjectId]) -> Iterator[Finding]:
        """Read objects to their end."""
        if not oids:
            return
        wanted = [self.held.wanted[oid] for oid in oids]
        size = sum(each.expected.size or 0 for each in wanted)
        self._progress.start("Reading", files=len(wanted), size=size)
        try:
            failed = RemoteChecker(remotes, **self._options).run(wanted)
        finally:
            self._progress.finish()
        self.held.where |= {oid: remotes[0] for oid in oids if oid not in failed}
        for oid, error in failed.items():
            yield from self._tell(oid, error)

    def _stagings(self) -> Sequence[Remote]:
        if self._opened is None:
            self._opened = self._places.staging(self.held.wanted)
        return self._opened

    def _tell(self, oid: ObjectId, error: object) -> Iterator[Finding]:
        assert isinstance(error, NeurogisterError)  # noqa: S101 - for the type checker
        for path, label in self.held.owners[oid][:_SHOWN]:
            yield _of_error(path, label, error)


def check_objects_of(
    submission: Submission, session: Session, *, staging: Sequence[str], progress: Progress
) -> Iterator[Finding]:
    """Check the bytes of a submission where they are, and DICOM headers in them.

    Parameters
    ----------
    submission : Submission
        What is validated.
    session : Session
        The registry.
    staging : sequence of str
        Remotes or addresses where bytes may wait; none means those that ``registry.yaml`` of the
        base and the messages of the commits name.
    progress : Progress
        Told about it.
    """
    change = submission.by_path.get(DVC_CONFIG)
    if change is not None and submission.scope == CONTRIBUTOR:
        yield finding(
            "not-judged", DVC_CONFIG, "a submission that says where remotes are is not asked there",
            severity=UNJUDGED,
        )  # fmt: skip
        return
    from ..named import Named
    from ..stagings import Stagings

    named = Named()
    try:
        main = session.open_remote(session.config.remote())
        with Stagings(session, submission.info.submissions, named, progress) as stagings:

            def open_stagings(wanted: dict[ObjectId, Wanted]) -> Sequence[Remote]:
                named.wanted |= wanted
                try:
                    return stagings.open(staging, _messages(submission, session))
                except NotFoundError:
                    if staging:
                        raise
                    return []

            check = ObjectCheck(submission, session, Places(main, open_stagings), progress)
            yield from check.run()
            from .headers import check_headers

            yield from check_headers(submission, check.held, progress)
    except NeurogisterError as error:
        yield finding(
            "not-judged", "", f"the remotes could not be asked: {error.message}", fix=error.hint,
            severity=UNJUDGED,
        )  # fmt: skip


def _messages(submission: Submission, session: Session) -> list[str]:
    from ...model.submissions import TRAILER

    head = session.reader.commit
    if head is None or submission.base is None:
        return []
    return session.reader.repository.messages(head, submission.base, f"{TRAILER}:")


def _oid(pointer: Pointer) -> ObjectId:
    return ObjectId(pointer.md5, listing=pointer.is_dir, legacy=pointer.legacy)


def _wanted_listing(document: Document, pointer: Pointer) -> Wanted:
    label = f"the listing of {name_of(place_of(document.path))}"
    return Wanted(_oid(pointer), Expected(pointer.md5), label, size_limit(pointer.nfiles))


def _wanted_file(document: Document, pointer: Pointer) -> Wanted:
    record = document.record()
    known = next((each for each in reversed(record.versions) if each.md5 == pointer.digest), None) \
        if record else None  # fmt: skip
    expected = Expected(
        pointer.md5, pointer.size, known.sha256 if known else None, legacy=pointer.legacy
    )
    return Wanted(_oid(pointer), expected, name_of(place_of(document.path)), pointer.size or _MOST)


def _wanted_entry(document: Document, pointer: Pointer, entry: Entry) -> Wanted:
    expected = Expected(entry.md5, entry.size, entry.sha256, entry.sha1, legacy=pointer.legacy)
    limit = entry.size if entry.size is not None else pointer.size or _MOST
    label = f"{name_of(place_of(document.path))}:{entry.path}"
    return Wanted(ObjectId(entry.md5, legacy=pointer.legacy), expected, label, limit)


def _difference(listed: Sequence[Entry], entries: Sequence[Entry]) -> str | None:
    """Say where a manifest differs from the listing in the remote."""
    ours = {each.path: each.md5 for each in entries}
    theirs = {each.path: each.md5 for each in listed}
    for path in sorted(ours.keys() | theirs.keys()):
        if path not in ours:
            return f"{path} is not in the manifest"
        if path not in theirs:
            return f"{path} is in the manifest only"
        if ours[path] and ours[path] != theirs[path]:
            return f"{path} has another md5"
    return None


def _is_sure(wanted: Wanted, stat: ObjectStat) -> bool:
    """Tell whether what a remote says of an object is enough to judge by."""
    if stat.size is None:
        return False
    md5 = wanted.expected.md5
    return wanted.expected.legacy or stat.md5 is None or stat.md5 == md5


def _of_error(path: str, label: str, error: NeurogisterError) -> Finding:
    file = f"{label}: " if label and label not in error.message else ""
    if isinstance(error, NotFoundError):
        rule, message = "remote-missing", f"{file}{error.message}"
    elif isinstance(error, IntegrityError):
        rule, message = "remote-differs", f"{file}{error.message}"
    else:
        return finding(
            "not-judged", path, f"{file}{error.message}", fix=error.hint, severity=UNJUDGED
        )
    return finding(rule, path, message, offending=label or None)
