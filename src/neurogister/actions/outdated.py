"""What became of the members of a release since: withdrawn, or with newer versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import NeurogisterError, RefusedError
from ..model.ledger import as_version
from ..model.names import is_version
from ..model.package import Member, Package
from .entries import entries_from_manifest
from .members import open_members
from .selection import Selection, why_withdrawn

if TYPE_CHECKING:
    from ..model.dataset import Dataset
    from ..model.ledger import Version
    from ..model.listing import Entry
    from .session import Session

WITHDRAWN = "withdrawn"
NEWER = "newer"
MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdated:
    """A member that is no longer what it was in a release.

    Parameters
    ----------
    dataset : str
        As the release names it.
    name : str, optional
        What the dataset is called now, if there is one.
    status : {'withdrawn', 'newer', 'missing'}
    released : int or str, optional
        The version in the release, if it is known.
    newest : int or str, optional
        The newest version.
    reason : str, optional
        When and why it was withdrawn.
    """

    dataset: str
    name: str | None
    status: str
    released: int | str | None = None
    newest: int | str | None = None
    reason: str | None = None


def find_outdated(
    session: Session, selection: Selection, entries: Sequence[Entry] | None
) -> list[Outdated]:
    """Find the members of a release that were withdrawn, or have newer versions.

    Parameters
    ----------
    session : Session
        The registry.
    selection : Selection
        A package, in some version.
    entries : sequence of Entry, optional
        The files of that version, if they are known here: releases that do not say which versions
        they are made of are compared by content.
    """
    version = released(selection)
    if version is not None and version.members:
        return list(_by_name(session, version.members))
    return list(_by_content(session, selection, entries))


def refuse_withdrawn_members(session: Session, selection: Selection) -> None:
    """Refuse a release one of whose members was withdrawn since.

    Raises
    ------
    RefusedError
        That names the members.
    """
    gone = withdrawn_members(session, selection)
    if gone:
        raise RefusedError(
            f"{selection.label}: {said_of(gone)}",
            hint="With `--force` you get it anyway, if the bytes are still kept. Perhaps a newer"
            f" version does without: `neurogister versions {selection.name}`.",
        )


def said_of(gone: Sequence[Outdated]) -> str:
    """Return which members were withdrawn, as a sentence."""
    return "; ".join(f"its member {each.dataset} was withdrawn{each.reason or ''}" for each in gone)


def withdrawn_members(session: Session, selection: Selection) -> list[Outdated]:
    """Return the members of a release that were withdrawn since; none of what is no package."""
    item = selection.item
    if not isinstance(item, Package):
        return []
    version = released(selection)
    names = (version.members if version is not None else ()) or [
        each.dataset for each in _likely_members(session, item, selection)
    ]
    found = _by_name(session, dict.fromkeys(names))
    return [each for each in found if each.status == WITHDRAWN]


def _likely_members(session: Session, item: Package, selection: Selection) -> list[Member]:
    """Return the present members that a release may have had: something lies at their path."""
    entries = None
    with suppress(NeurogisterError):  # a broken manifest is told where it is read
        entries = entries_from_manifest(session.reader, replace(selection, part=None))
    if entries is None:
        return list(item.members)
    paths = {entry.path for entry in entries}
    paths |= {path[:end] for path in paths for end in range(len(path)) if path[end] == "/"}
    return [each for each in item.members if each.path in paths]


def released(selection: Selection) -> Version | None:
    """Return the entry of the ledger that a selection is about."""
    md5 = str(selection.oid)
    for each in reversed(selection.item.versions):
        if each.md5 == md5 and selection.version in (None, str(each.version)):
            return each
    return None


def _by_name(session: Session, names: Sequence[str] | dict[str, None]) -> Iterator[Outdated]:
    pairs = [split_name(name) for name in names]
    found = session.reader.find_names({dataset for dataset, _ in pairs})
    for dataset, released in pairs:
        item = next(iter(found[dataset]), None)
        said = _compare(dataset, item, as_version(released))
        if said is not None:
            yield said


def split_name(name: str) -> tuple[str, str | None]:
    """Split ``NAME@VERSION``, as a ledger names a member."""
    base, at, version = name.rpartition("@")
    return (base, version) if at and base and is_version(version) else (name, None)


def _compare(dataset: str, item: Dataset | None, released: int | str | None) -> Outdated | None:
    if item is None:
        return Outdated(dataset=dataset, name=None, status=MISSING, released=released)
    status, reason = None, None
    if item.status == "withdrawn":
        status, reason = WITHDRAWN, why_withdrawn(item)
    elif released is not None and item.version is not None and item.version != released:
        status = NEWER
    if status is None:
        return None
    return Outdated(
        dataset=dataset, name=item.name, status=status, released=released, newest=item.version,
        reason=reason,
    )  # fmt: skip


def _by_content(
    session: Session, selection: Selection, entries: Sequence[Entry] | None
) -> Iterator[Outdated]:
    """Compare the members that the package has now with the files that it had then."""
    item = selection.item
    members = item.members if isinstance(item, Package) else ()
    gone = {each.dataset: each for each in withdrawn_members(session, selection)}
    yield from gone.values()
    present = _contents(session, [each for each in members if each.dataset not in gone])
    if entries is None:
        return
    then = {entry.path: entry.md5 for entry in entries}
    for member, name, newest, files in present:
        inside = f"{member.path}/"
        before = {
            path: md5
            for path, md5 in then.items()
            if path == member.path or path.startswith(inside)
        }
        if before and not files.items() <= before.items():
            yield Outdated(dataset=member.dataset, name=name, status=NEWER, newest=newest)


def _contents(
    session: Session, members: Sequence[Member]
) -> Iterator[tuple[Member, str, int | str | None, dict[str, str]]]:
    pieces, _ = open_members(session, members, ask=False)
    for piece in pieces:
        if piece.entries is not None:
            files = {entry.path: entry.md5 for entry in piece.entries}
            yield piece.member, piece.item.name, piece.item.version, files
