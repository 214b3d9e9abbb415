"""What is taken already: identifiers, ever; contents, under another identifier; places."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..errors import NeurogisterError, RefusedError
from ..model.naming import make_identifiers
from .writable import raise_problems

if TYPE_CHECKING:
    from ..model.dataset import Dataset
    from ..model.identifier import Identifier
    from ..model.registryinfo import Policy
    from .drafts import Draft
    from .records import Content
    from .session import Session


def choose_identifiers(
    session: Session, drafts: Sequence[Draft], contents: Sequence[Content], policy: Policy
) -> list[Draft]:
    """Make up the identifiers that are still missing.

    They follow from the collection, the file's name and its content; one that is taken is passed
    over, unless it is just this content at just this place: then an earlier try was interrupted.
    """
    named = list(drafts)
    mine = {each.id.key for each in drafts if each.id is not None}
    open_ = {
        n: _makes(each, contents[n], policy) for n, each in enumerate(drafts) if each.id is None
    }
    while open_:
        for n, maker in open_.items():
            identifier = next(each for each in maker if each.key not in mine)
            mine.add(identifier.key)
            named[n] = drafts[n].with_id(identifier)
        some = [named[n] for n in open_]
        used = session.reader.used_identifiers([each.id.key for each in some if each.id])
        same = find_same(session, some, [contents[n] for n in open_])
        open_ = {
            n: maker
            for n, maker in open_.items()
            if (each := named[n]).id is not None and each.id.key in used and each.place not in same
        }
    return named


def _makes(each: Draft, content: Content, policy: Policy) -> Iterator[Identifier]:
    seed = f"{each.folder}/{each.source.path.name}\0{content.oid}"
    return make_identifiers(seed, policy.identifier_type)


def find_same(session: Session, drafts: Sequence[Draft], contents: Sequence[Content]) -> set[str]:
    """Return the places that have the very content under the very identifier already."""
    there = session.reader.find_places([each.place for each in drafts])
    return {
        each.place
        for each, content in zip(drafts, contents, strict=True)
        if any(_is_same(item, each, content) for item in there[each.place])
    }


def _is_same(item: Dataset, each: Draft, content: Content) -> bool:
    return (
        item.pointer is not None
        and item.pointer.digest == str(content.oid)
        and not item.pointer.legacy
        and item.status != "withdrawn"
        and item.id is not None
        and each.id is not None
        and item.id.casefold() == each.id.key
    )


def refuse_taken(session: Session, drafts: Sequence[Draft]) -> None:
    """Refuse identifiers that were ever given away, and places where something lies.

    Raises
    ------
    RefusedError, SeveralErrors
        That name each, and who has it.
    """
    new = [each for each in drafts if each.item is None]
    used = session.reader.used_identifiers([each.id.key for each in drafts if each.id])
    problems: list[NeurogisterError] = []
    for each in drafts:
        owner = used.get(each.id.key) if each.id else None
        if owner is not None and (each.item is None or owner != each.item.path):
            problems.append(_taken(each, owner))
    if not problems:
        there = session.reader.find_places([each.place for each in new])
        problems = [p for each in new if (p := _in_the_way(session, each, there[each.place]))]
    raise_problems(problems, len(drafts))


def _in_the_way(session: Session, each: Draft, there: Sequence[Dataset]) -> NeurogisterError | None:
    """Say what lies where a new dataset belongs, if anything does but the user's own file."""
    if there:
        return RefusedError(
            f"{each.source.typed}: {there[0].path} is there already",
            hint=f"`--new-version {there[0].name}` adds a version to it.",
        )
    root = session.reader.worktree
    place = None if root is None else root.joinpath(*each.place.split("/"))
    if place is None or place == each.source.path or not os.path.lexists(place):
        return None
    return RefusedError(
        f"{each.source.typed}: {place} is in the way",
        hint="Move it away, or deposit it itself. Nothing was deposited.",
    )


def _taken(each: Draft, owner: str) -> RefusedError:
    return RefusedError(
        f"{each.source.typed}: the identifier {each.id} is, or was once, that of {owner}",
        hint="An identifier never changes its meaning: give another with `--id` or `--auto-id`."
        " Nothing was deposited.",
    )


def refuse_duplicates(
    session: Session, drafts: Sequence[Draft], contents: Sequence[Content]
) -> None:
    """Refuse content that the registry has under another identifier, or that comes twice.

    Raises
    ------
    RefusedError, SeveralErrors
        That name each, and what has the same content.
    """
    seen: dict[str, Draft] = {}
    problems: list[NeurogisterError] = []
    for each, content in zip(drafts, contents, strict=True):
        other = seen.setdefault(str(content.oid), each)
        if other is not each:
            problems.append(_duplicate(each, f"{other.source.typed}, which comes with it,"))
            continue
        for item in session.reader.find_digest(content.oid.md5):
            if item.place != each.place and _has_content(item, content):
                problems.append(_duplicate(each, _name_of(item)))
                break
    raise_problems(problems, len(drafts))


def _has_content(item: Dataset, content: Content) -> bool:
    """Tell whether a dataset has, or had, the content, and not only its md5."""
    if item.kind == "package":
        return False  # made of datasets
    oid, sha256 = str(content.oid), content.digests.get("sha256")
    if any(each.md5 == oid and each.sha256 in (None, sha256) for each in item.versions):
        return True
    recorded = any(each.md5 == oid for each in item.versions)
    return not recorded and item.pointer is not None and item.pointer.digest == oid


def _name_of(item: Dataset) -> str:
    withdrawn = ", which was withdrawn," if item.status == "withdrawn" else ""
    return f"{item.name}{f' ({item.id})' if item.id else ''}{withdrawn}"


def _duplicate(each: Draft, other: str) -> RefusedError:
    return RefusedError(
        f"{each.source.typed}: {other} has the same content",
        hint="Use that one; or, if two identifiers are meant, `--allow-duplicate`."
        " Nothing was deposited.",
    )
