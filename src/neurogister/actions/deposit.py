"""Depositing: files become datasets, with identifier, digests, record and history; all or none.

The order makes that so: everything is checked that can be; every byte is read once, and goes into
the cache; objects go to the remote; and only then, under the lock, pointers appear. What was there
before a kill is harmless, and the same deposit finds it when it is run again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import NeurogisterError, RefusedError
from ..model.assignments import merge
from ..model.listing import Entry, dump_listing, listing_md5, listing_sha256
from ..model.objects import ObjectId
from ..progress import SILENT, Progress
from ..registry.layout import MANIFEST_SUFFIX
from .deposited import DEPOSITED, PLANNED, UNCHANGED, Also, Deposited, DepositReport, Manner
from .drafts import Draft, Wishes, check_names, draft
from .intake import Intake, Taken, remove_moved
from .metadata import MetadataChecker
from .privacy import privacy_problems
from .records import Content, add_collection, build_changes, collection_path, last_version
from .taken import choose_identifiers, find_same, refuse_duplicates, refuse_taken
from .writable import (
    check_git,
    commit_changes,
    displace_data,
    folders_in_tree,
    git_writer,
    open_for_writing,
    place_data,
    raise_problems,
)

if TYPE_CHECKING:
    from ..model.dataset import Dataset
    from ..model.finding import Report
    from ..registry.changes import ChangeSet
    from .session import Session
    from .sources import Source
    from .upload import Stored


def deposit(
    session: Session,
    sources: Sequence[Source],
    wishes: Wishes,
    manner: Manner | None = None,
    *,
    also: Also | None = None,
    progress: Progress = SILENT,
) -> DepositReport:
    """Deposit files and folders.

    Parameters
    ----------
    session : Session
        The registry: a checkout.
    sources : sequence of Source
        What to deposit (`sources.find_sources`).
    wishes : Wishes
        Where to, and under which identifiers.
    manner : Manner, optional
        How.
    also : Also, optional
        What appears together with it.
    progress : Progress
        Told about long work.

    Returns
    -------
    DepositReport

    Raises
    ------
    RefusedError
        If the policy forbids it, an identifier was ever used, the content is there already, a file
        changed while it was read, or something is in the way. Nothing was changed.
    NotFoundError, UsageError, InvalidFileError
        If what is said of a file makes no sense. Nothing was changed.
    NetworkError, CredentialsError, IntegrityError
        If the remote does not take the bytes, or does not have them afterwards. Nothing but the
        cache was changed.
    """
    return _Deposit(session, sources, wishes, manner or Manner(), progress, also).run()


class _Deposit:
    def __init__(
        self,
        session: Session,
        sources: Sequence[Source],
        wishes: Wishes,
        manner: Manner,
        progress: Progress,
        also: Also | None = None,
    ) -> None:
        self._also = also
        self._session = session
        self._sources = sources
        self._wishes = wishes
        self._manner = manner
        self._progress = progress
        self._root = open_for_writing(session)
        self._info = session.reader.info()

    def run(self) -> DepositReport:
        drafts = draft(self._session, self._sources, self._wishes)
        self._check(drafts)
        intake = Intake(
            self._session.holdings,
            self._info.policy.digests,
            keep=self._manner.writes,
            move=self._manner.move,
            progress=self._progress,
        )
        try:
            return self._run(drafts, intake)
        except BaseException:
            intake.give_back()
            raise

    def _check(self, drafts: Sequence[Draft]) -> None:
        """Find out what is against it, before a byte is read."""
        checker = MetadataChecker(self._session)
        problems: list[NeurogisterError] = []
        for each in drafts:
            if text := "; ".join(each.problems):
                problems.append(RefusedError(f"{each.source.typed}: {text}"))
            try:
                dtype, metadata = _described(each)
                checker.check(dtype, metadata, each.source.typed)
            except RefusedError as error:
                problems.append(error)
            problems += privacy_problems(
                self._session, each.source, each.folder, each.source.said.metadata,
                progress=self._progress,
            )  # fmt: skip
        raise_problems(problems, len(drafts))
        check_names(self._session, [each for each in drafts if each.id is not None])
        writer = git_writer(self._session)
        if self._manner.branch is not None:
            writer.check_branch(self._manner.branch)
        for place in writer.tracked([each.place for each in drafts if each.id is not None]):
            raise RefusedError(
                f"{place} is tracked by git itself, and so cannot be tracked by DVC",
                hint=f"`git rm -r --cached {place}` lets git forget it. Nothing was deposited.",
            )

    def _run(self, drafts: Sequence[Draft], intake: Intake) -> DepositReport:
        contents, taken = self._read(drafts, intake)
        named, same = self._name(drafts, contents)
        report = DepositReport()
        report.objects = [oid for each in contents for oid, *_ in each.objects()]
        new = [n for n, each in enumerate(named) if each.place not in same]
        stored: dict[ObjectId, Stored] = {}
        remote = None
        if self._manner.writes:
            remote, stored = self._push(report, contents, named)
            self._publish(report, named, contents, new)
            if self._manner.move:
                self._remove(named, taken)
        elif self._manner.check:
            report.validation = self._validate(named, contents, new)
        report.deposited = [
            self._outcome(each, content, n in new, remote, stored)
            for n, (each, content) in enumerate(zip(named, contents, strict=True))
        ]
        return report

    def _validate(
        self, named: Sequence[Draft], contents: Sequence[Content], new: Sequence[int]
    ) -> Report:
        """Validate what the next commit would have, as the pull request will be."""
        from .validate import validate  # only where it is asked for

        return validate(
            self._session,
            base=self._session.reader.commit,
            staged=True,
            overlay=self._changes(named, contents, new).contents,
        )

    def _changes(
        self, named: Sequence[Draft], contents: Sequence[Content], new: Sequence[int]
    ) -> ChangeSet:
        """Make the files that are to be written."""
        changes = build_changes(self._session, named, contents, new)
        if self._wishes.new_collection and self._wishes.new_version is None:
            license_ = self._sources[0].said.license
            add_collection(self._session, changes, named[0].folder, license_=license_)
        for path, data in self._also.build().items() if self._also is not None else ():
            changes.write(path, data)  # after the pointers that it may be about
        return changes

    def _remove(self, named: Sequence[Draft], taken: Sequence[Sequence[Taken]]) -> None:
        """Remove the user's files, but for those that lie at their place in the work tree."""
        for each, group in zip(named, taken, strict=True):
            if each.source.path != self._root.joinpath(*each.place.split("/")):
                remove_moved(group, each.source.path)

    def _read(
        self, drafts: Sequence[Draft], intake: Intake
    ) -> tuple[list[Content], list[list[Taken]]]:
        paths = [each.source.paths for each in drafts]
        count = sum(map(len, paths))
        self._progress.start("Reading", files=count, size=sum(d.source.size for d in drafts))
        try:
            flat = iter(intake.take([path for group in paths for path in group]))
        finally:
            self._progress.finish()
        taken = [[next(flat) for _ in group] for group in paths]
        contents = []
        for each, group in zip(drafts, taken, strict=True):
            content = _content_of(each.source, group)
            if content.entries is not None:
                intake.keep_listing(dump_listing(content.entries), content.oid)
            contents.append(content)
        return contents, taken

    def _name(
        self, drafts: Sequence[Draft], contents: Sequence[Content]
    ) -> tuple[list[Draft], set[str]]:
        """Give identifiers, and check them and the content against all that there ever was."""
        named = choose_identifiers(self._session, drafts, contents, self._info.policy)
        same = find_same(self._session, named, contents)
        new = [n for n, each in enumerate(named) if each.place not in same]
        self._refuse(named, contents, new)
        own = [*self._own_paths(named), *(self._also.paths if self._also is not None else ())]
        check_git(self._session, own, commit=self._commits)
        if self._also is not None:
            self._also.build()  # what is against it is told before anything is uploaded
        return named, same

    def _refuse(
        self, named: Sequence[Draft], contents: Sequence[Content], new: Sequence[int]
    ) -> None:
        """Refuse what is taken: names, identifiers, content."""
        check_names(self._session, named)
        refuse_taken(self._session, [named[n] for n in new])
        if not self._wishes.allow_duplicate:
            refuse_duplicates(self._session, named, contents)

    def _push(
        self, report: DepositReport, contents: Sequence[Content], named: Sequence[Draft]
    ) -> tuple[str | None, dict[ObjectId, Stored]]:
        if self._manner.push is False:
            report.unpushed = "as asked"
            return None, {}
        from .pushing import push_contents  # the network, only when it is needed

        remote, stored, report.unpushed = push_contents(
            self._session,
            contents,
            [each.source.typed for each in named],
            push=self._manner.push,
            read_back=self._manner.verify_remote,
            into=self._manner.into,
            progress=self._progress,
        )
        return remote, stored

    def _publish(
        self,
        report: DepositReport,
        named: Sequence[Draft],
        contents: Sequence[Content],
        new: Sequence[int],
    ) -> None:
        """Make it visible, while nobody else changes the registry."""
        session = self._session
        with session.tree_lock(self._root, self._progress):
            session.reader.refresh()  # another process may have been quicker
            self._refuse(named, contents, new)
            changes = self._changes(named, contents, new)
            if self._manner.branch is not None:
                git_writer(session).switch(self._manner.branch)
            fresh = [n for n in new if not os.path.lexists(self._root / named[n].place)]
            applied = changes.apply(self._root)
            try:
                session.reader.refresh()
                place_data(session, self._items(named))
            except BaseException:
                for n in fresh:
                    displace_data(session, named[n].place, contents[n].files())
                applied.undo()
                session.reader.refresh()
                raise
            report.staged = self._paths(changes, named, contents)
            report.commit = commit_changes(
                session, report.staged, self._full_message(named, new), commit=self._commits
            )
            session.reader.refresh()

    def _items(self, named: Sequence[Draft]) -> list[Dataset]:
        found = self._session.reader.find_places([each.place for each in named])
        return [item for items in found.values() for item in items]

    def _paths(
        self, changes: ChangeSet, named: Sequence[Draft], contents: Sequence[Content]
    ) -> list[str]:
        """List what belongs into git: what is written, now or by an earlier try."""
        paths = dict.fromkeys([*changes.paths, *self._own_paths(named)])
        if self._also is not None:
            paths |= dict.fromkeys(self._also.paths)
        if self._wishes.new_collection:
            paths |= dict.fromkeys(collection_path(each.folder) for each in named)
        for content in contents:
            for folder in folders_in_tree(self._session):
                paths |= {f"{folder}/{oid.key}": None for oid, *_ in content.objects()}
        return [path for path in paths if os.path.lexists(self._root / path)]

    @staticmethod
    def _own_paths(named: Sequence[Draft]) -> list[str]:
        """List the files that datasets have beside their data."""
        paths: dict[str, None] = {}
        for each in named:
            paths[each.pointer] = None
            if each.source.is_folder:
                paths[f"{each.place}{MANIFEST_SUFFIX}"] = None
            paths[f"{each.pointer.rpartition('/')[0]}/.gitignore"] = None
        return list(paths)

    @property
    def _commits(self) -> bool:
        return self._manner.commit or self._manner.branch is not None

    def _full_message(self, named: Sequence[Draft], new: Sequence[int]) -> str:
        return "\n\n".join(
            filter(None, [self._message(named, new), "\n".join(self._manner.trailers)])
        )

    def _message(self, named: Sequence[Draft], new: Sequence[int]) -> str:
        if self._also is not None:
            return self._also.message
        some = [named[n] for n in new] or list(named)
        first = some[0]
        if first.item is not None:
            return f"Deposit a new version of {first.item.name}"
        collection = first.folder.removeprefix("data/")
        if len(some) == 1:
            return f"Deposit {first.id} in {collection}"
        return f"Deposit {len(some)} datasets in {collection}"

    def _outcome(
        self,
        each: Draft,
        content: Content,
        is_new: bool,
        remote: str | None,
        stored: dict[ObjectId, Stored],
    ) -> Deposited:
        status = UNCHANGED if not is_new else DEPOSITED if self._manner.writes else PLANNED
        kept = stored.get(content.oid)
        return Deposited(
            id=str(each.id),
            file=each.source.typed,
            name=each.place.removeprefix("data/"),
            version=1 if each.item is None else self._number(each.item, is_new=is_new),
            pointer=each.pointer,
            md5=str(content.oid),
            sha256=content.digests.get("sha256"),
            sha1=content.digests.get("sha1"),
            blake3=content.digests.get("blake3"),
            size=content.size,
            nfiles=content.nfiles,
            status=status,
            remote=remote,
            stored=kept.state if kept else None,
            proof=kept.proof if kept else None,
        )

    def _number(self, item: Dataset, *, is_new: bool) -> int:
        found = self._session.reader.find_place(item.place)
        number = last_version(self._session, found[0] if found else item)
        return number + 1 if is_new and not self._manner.writes else number


def _described(each: Draft) -> tuple[str | None, Mapping[str, Any]]:
    """Return the dtype and the metadata that a dataset will have."""
    record = each.item.record if each.item is not None else None
    before = record.metadata if record is not None else {}
    dtype = each.source.said.dtype or (record.dtype if record is not None else None)
    return dtype, merge(before, each.source.said.metadata)


def _content_of(source: Source, taken: Sequence[Taken]) -> Content:
    if source.files is None:
        one = taken[0]
        return Content(one.oid, one.size, one.digests, executable=one.executable)
    entries = [
        Entry(name, one.oid.md5, one.size, one.digests.get("sha256"), one.digests.get("sha1"))
        for name, one in zip(source.files, taken, strict=True)
    ]
    oid = ObjectId(listing_md5(entries), listing=True)
    sha256 = listing_sha256(entries)
    digests = {"md5": oid.md5} | ({"sha256": sha256} if sha256 else {})
    return Content(oid, sum(one.size for one in taken), digests, tuple(entries))
