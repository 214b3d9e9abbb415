"""Releasing packages: a version that never changes, made of digests, without reading data.

The order is that of a deposit: everything is checked that can be; the listing goes into the cache
and to the remote; and only then, under the lock, the ledger and the pointer appear. A release that
was interrupted can be run again.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import (
    CredentialsError,
    NetworkError,
    NeurogisterError,
    OfflineError,
    RefusedError,
    UsageError,
)
from ..model.ledger import Version, is_semantic_version, semantic_rank
from ..model.listing import Entry, listing_md5, listing_sha256
from ..model.manifest import dump_manifest
from ..model.objects import ObjectId
from ..model.pointer import SUFFIX, Pointer
from ..model.writing import check_document, dump_document, edit_document
from ..progress import SILENT, Progress
from ..registry.changes import ChangeSet, with_ignored
from ..registry.layout import MANIFEST_SUFFIX, YAML_LIMIT
from .members import Piece, open_members, refuse_clashes
from .packages import open_package, read_package
from .records import record_in
from .released import Push, open_zip, push_listing, sizes_of, zip_of
from .writable import (
    check_git,
    commit_changes,
    folders_in_tree,
    git_writer,
    now,
    open_for_writing,
    raise_problems,
    who,
)

if TYPE_CHECKING:
    from ..model.package import Package
    from ..model.zips import Zip
    from .session import Session

RELEASED = "released"
UNCHANGED = "unchanged"
PLANNED = "planned"

_PASSING = (NetworkError, CredentialsError, OfflineError)  # what says nothing about a member


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What a release did, or would do.

    Parameters
    ----------
    name : str
        ``VENDOR/PACKAGE``.
    version : str
    md5 : str
        Of its listing, with ``.dir``.
    sha256 : str, optional
        Of the whole (`listing_sha256`); none if that of a file is not known.
    size, nfiles : int
    members : tuple of str
        The datasets, as ``NAME@VERSION``.
    pointer : str
        Its pointer, from the top of the registry.
    status : {'released', 'unchanged', 'planned'}
        ``unchanged``: this very version was there already.
    remote : str, optional
        Where its listing was pushed to.
    stored, proof : str, optional
        As `upload.Stored` has them.
    unpushed : str, optional
        Why nothing was pushed.
    staged : tuple of str
        The files that were staged or committed.
    commit : str, optional
        The commit that was made.
    zip : Zip, optional
        The archive that it is delivered as to who asks for one.
    """

    name: str
    version: str
    md5: str
    sha256: str | None
    size: int
    nfiles: int
    members: tuple[str, ...]
    pointer: str
    status: str
    remote: str | None = None
    stored: str | None = None
    proof: str | None = None
    unpushed: str | None = None
    staged: tuple[str, ...] = ()
    commit: str | None = None
    zip: Zip | None = None

    @property
    def changes(self) -> bool:
        """Whether anything was, or would be, changed."""
        return self.status != UNCHANGED


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be released."""

    package: Package
    path: str
    before: bytes
    pieces: Sequence[Piece]
    entries: tuple[Entry, ...]
    oid: ObjectId
    size: int
    known: Version | None
    zip: Zip | None = None

    @property
    def pointer(self) -> str:
        return f"{self.package.place}{SUFFIX}"

    @property
    def is_newest(self) -> bool:
        """Whether the pointer stands, or will stand, for it."""
        return self.known is None or self.known == self.package.versions[-1]


def release(
    session: Session,
    name: str,
    version: str,
    *,
    note: str | None = None,
    push: bool | None = None,
    verify_remote: bool = False,
    commit: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> Release:
    """Release a version of a package.

    Parameters
    ----------
    session : Session
        The registry: a checkout.
    name : str
        ``VENDOR/PACKAGE``.
    version : str
        A semantic version, greater than all there are.
    note : str, optional
        What is new.
    push : bool, optional
        Whether its listing goes to the remote, which must have the members' objects; None: if
        there is one that can be written.
    verify_remote : bool
        Whether to read back what the remote has.
    commit : bool
        Whether to commit in git, and not only to stage.
    dry_run : bool
        Whether only to find out what would happen.
    progress : Progress
        Told about long work.

    Raises
    ------
    UsageError
        If it is no semantic version.
    NotFoundError
        If there is no such package.
    RefusedError
        If the version was released with other content, or is not greater than the last; if a
        member cannot be had, or two are in each other's way; if the remote lacks an object.
        Nothing was changed.
    NetworkError, CredentialsError, IntegrityError
        If the remote does not take the listing. Nothing but the cache was changed.
    """
    return _Releasing(session, name, version, progress).run(
        Push(push, verify_remote), note=note, commit=commit, dry_run=dry_run
    )


class _Releasing:
    def __init__(self, session: Session, name: str, version: str, progress: Progress) -> None:
        if not is_semantic_version(version):
            raise UsageError(
                f"{version[:80]!a} is no semantic version", hint="As in `1.0.0`, `2.0.0-rc.1`."
            )
        self._session = session
        self._name = name
        self._version = version
        self._progress = progress
        self._root = open_for_writing(session)

    def run(self, push: Push, *, note: str | None, commit: bool, dry_run: bool) -> Release:
        self._session.reader.refresh()
        plan = self._plan()
        changes = self._changes(plan, note)
        done = self._outcome(plan, PLANNED if changes.differs(self._root) else UNCHANGED)
        if dry_run:
            return done
        check_git(self._session, changes.paths, commit=commit)
        pushed = push_listing(
            self._session, plan.entries, plan.oid, plan.pieces, push, progress=self._progress
        )
        done = replace(done, **pushed)
        return self._publish(plan, done, note=note, commit=commit)

    # Finding out.

    def _plan(self) -> _Plan:
        package, path, before = open_package(self._session, self._name)
        if not package.members:
            raise RefusedError(
                f"{package.name} has no members: there is nothing to release",
                hint=f"`neurogister package add {package.name} DATASET…`",
            )
        pieces = self._pieces(package)
        self._refuse_mixture(package, pieces)
        entries, size = sizes_of(self._session, pieces, self._progress)
        oid = ObjectId(listing_md5(entries), listing=True, legacy=pieces[0].selection.oid.legacy)
        archive = None if package.zip is None else open_zip(self._session, package.zip)
        if archive is not None:  # kept, pushed and withdrawn with the others
            pieces = [*pieces, archive]
        found = None if archive is None else zip_of(archive)
        known = self._known(package, oid, found)
        plan = _Plan(package, path, before, pieces, entries, oid, size, known, found)
        place = package.place
        if git_writer(self._session).tracked([place]):
            raise RefusedError(
                f"{place} is tracked by git itself, and so cannot be tracked by DVC",
                hint=f"`git rm -r --cached {place}` lets git forget it. Nothing was released.",
            )
        return plan

    def _pieces(self, package: Package) -> Sequence[Piece]:
        pieces, problems = open_members(
            self._session, package.members, ask=True, progress=self._progress
        )
        problems = [
            each if isinstance(each, _PASSING) else RefusedError(each.message, hint=each.hint)
            for each in problems
        ]
        raise_problems([*problems, *refuse_clashes(pieces)], len(package.members))
        return pieces

    def _refuse_mixture(self, package: Package, pieces: Sequence[Piece]) -> None:
        """Objects of DVC 2 and 3 have digests of other kinds: a folder is of one kind."""
        old = [piece for piece in pieces if piece.selection.oid.legacy]
        mixed = old and len(old) < len(pieces)
        before = package.pointer if package.versions else None
        if mixed or (before is not None and before.legacy != bool(old)):
            names = ", ".join(str(each.member) for each in old[:10])
            raise RefusedError(
                f"{names or package.name} {'is' if len(old) <= 1 else 'are'} kept as DVC 2 did,"
                " and the rest of the package as DVC 3 does",
                hint="`dvc cache migrate --dvc-files` brings a registry to DVC 3 whole; or deposit"
                " new versions of these.",
            )

    def _known(self, package: Package, oid: ObjectId, archive: Zip | None) -> Version | None:
        """Return the version if it was released with this content, or None if it may be new."""
        record = package.record
        if record is not None and (known := record.find_version(self._version)) is not None:
            if known.md5 == str(oid) and known.zip == archive:
                return known
            if known.md5 == str(oid):
                raise RefusedError(
                    f"{package.name}@{self._version} was released with another zip archive",
                    hint="A released version never changes: choose a greater one.",
                )
            raise RefusedError(
                f"{package.name}@{self._version} was released with other content"
                f" ({known.md5}, not {oid})",
                hint="A released version never changes: choose a greater one.",
            )
        others = [str(each.version) for each in package.versions]
        ranked = sorted((each for each in others if is_semantic_version(each)), key=semantic_rank)
        if ranked and semantic_rank(self._version) <= semantic_rank(ranked[-1]):
            raise RefusedError(
                f"{self._version} is not greater than {ranked[-1]}, which {package.name} has",
                hint="Versions only go up: `MAJOR.MINOR.PATCH`, as semver.org says.",
            )
        return None

    def _outcome(self, plan: _Plan, status: str) -> Release:
        return Release(
            name=plan.package.name,
            version=self._version,
            md5=str(plan.oid),
            sha256=listing_sha256(plan.entries),
            size=plan.size,
            nfiles=len(plan.entries),
            members=_names(plan.pieces),
            pointer=plan.pointer,
            status=status,
            zip=plan.zip,
        )

    # Writing.

    def _publish(self, plan: _Plan, done: Release, *, note: str | None, commit: bool) -> Release:
        """Make it visible, while nobody else changes the registry."""
        session = self._session
        with session.tree_lock(self._root, self._progress):
            session.reader.refresh()
            again = self._plan()
            if (again.oid, again.zip) != (plan.oid, plan.zip):
                raise RefusedError(
                    f"the members of {plan.package.name} changed meanwhile",
                    hint="Run the same command again. Nothing was released.",
                )
            changes = self._changes(again, note)
            differs = changes.differs(self._root)
            if differs:
                changes.apply(self._root)
                session.reader.refresh()
            paths = [
                *changes.paths,
                plan.path,
                *(f"{folder}/{plan.oid.key}" for folder in folders_in_tree(session)),
            ]
            staged = [path for path in dict.fromkeys(paths) if os.path.lexists(self._root / path)]
            message = f"Release {plan.package.name} {self._version}{f': {note}' if note else ''}"
            made = commit_changes(session, staged, message, commit=commit)
        status = RELEASED if differs else UNCHANGED
        return replace(done, status=status, staged=tuple(staged), commit=made)

    def _changes(self, plan: _Plan, note: str | None) -> ChangeSet:
        """Make the files that are to be written; the pointer comes last."""
        changes = ChangeSet()
        if not plan.is_newest:
            return changes  # the members are those of an earlier version again
        place = plan.package.place
        folder, _, last = place.rpartition("/")
        changes.write(f"{place}{MANIFEST_SUFFIX}", dump_manifest(plan.entries))
        ignored = self._session.reader.read_file(f"{folder}/.gitignore")
        changes.write(f"{folder}/.gitignore", with_ignored(ignored, last))
        if plan.known is None:
            changes.write(plan.path, self._ledger(plan, note))
        changes.write(plan.pointer, self._pointer(plan, last))
        return changes

    def _ledger(self, plan: _Plan, note: str | None) -> bytes:
        entry = Version(
            version=self._version, md5=str(plan.oid), size=plan.size, nfiles=len(plan.entries),
            sha256=listing_sha256(plan.entries), date=now(), by=who(self._session), note=note,
            members=_names(plan.pieces), zip=plan.zip,
        )  # fmt: skip

        def edit(document: Any) -> None:
            if document.get("versions"):
                document["versions"].append(entry.as_mapping())
            else:
                document["versions"] = [entry.as_mapping()]

        data = edit_document(plan.before, plan.path, edit, limit=YAML_LIMIT)
        if read_package(data, plan.path).record.versions != (*plan.package.versions, entry):
            raise NeurogisterError(
                f"the ledger in {plan.path} cannot be written by a program as it is",
                hint="Write `versions` as a list (docs/formats.md). Nothing was released.",
            )
        return data

    def _pointer(self, plan: _Plan, last: str) -> bytes:
        out: dict[str, Any] = {"md5": str(plan.oid), "size": plan.size, "nfiles": len(plan.entries)}
        if not plan.oid.legacy:
            out["hash"] = "md5"
        before = self._session.reader.read_file(plan.pointer)
        if before is None:
            document = {"outs": [out | {"path": last}]}
            record_in(document)["version"] = self._version
            data = dump_document(document)
        else:

            def edit(document: Any) -> None:
                document["outs"][0].update(out)
                if plan.oid.legacy:
                    document["outs"][0].pop("hash", None)
                record_in(document)["version"] = self._version

            data = edit_document(before, plan.pointer, edit)
        Pointer.from_document(check_document(data, plan.pointer), plan.pointer)
        return data


def _names(pieces: Sequence[Piece]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(piece.name for piece in pieces))
