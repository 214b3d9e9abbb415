"""Which states a pointer had, by git's own log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..backends.gitvalues import FILE_MODES
from ..errors import InvalidFileError
from ..model.ledger import Version
from ..model.pointer import Pointer
from .layout import POINTER_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..backends.git import Repository
    from ..backends.gitvalues import Commit


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One state of a pointer.

    Parameters
    ----------
    commit : str, optional
        The commit that brought it; none for one that is not committed.
    date, author : str, optional
        When (ISO 8601) and by whom.
    md5 : str
        As the pointer has it: with ``.dir`` for a folder.
    size, nfiles : int, optional
        As far as the pointer tells.
    """

    commit: str | None
    date: str | None = None
    author: str | None = None
    md5: str
    size: int | None = None
    nfiles: int | None = None


def read_history(repository: Repository, commit: str, path: str) -> list[State]:
    """List the distinct states of a pointer up to a commit, the oldest first.

    Commits that removed it, or left it broken, are passed over.

    Parameters
    ----------
    repository : Repository
        Where it is.
    commit : str
        Where to look back from.
    path : str
        The pointer.
    """
    commits = [
        each for each in repository.log(commit, path) if each.blob and each.mode in FILE_MODES
    ]
    oids = [each.blob for each in commits if each.blob]
    contents = dict(repository.read_blobs(oids, limit=POINTER_LIMIT))
    states: list[State] = []
    for each in commits:
        pointer = _find_pointer(contents[each.blob or ""], path)
        if pointer is not None and (not states or states[-1].md5 != pointer.digest):
            states.append(_state(pointer, each.oid, each.date, each.author))
    return states


def with_current(states: Sequence[State], pointer: Pointer | None) -> list[State]:
    """Add the state that is not committed yet, if it differs."""
    if pointer is None or (states and states[-1].md5 == pointer.digest):
        return list(states)
    return [*states, _state(pointer, None, None, None)]


def with_commit(pointer: Pointer | None, commit: Commit) -> list[State]:
    """Return the only state of a pointer, which a commit brought."""
    return [_state(pointer, commit.oid, commit.date, commit.author)] if pointer else []


def versions_of(states: Sequence[State]) -> list[Version]:
    """Count states as versions: 1, 2, 3 …."""
    return [
        Version(
            version=number,
            md5=state.md5,
            size=state.size,
            nfiles=state.nfiles,
            date=state.date,
            by=state.author,
        )
        for number, state in enumerate(states, 1)
    ]


def _find_pointer(data: bytes, path: str) -> Pointer | None:
    try:
        return Pointer.parse(data, path)
    except InvalidFileError:
        return None


def _state(pointer: Pointer, commit: str | None, date: str | None, author: str | None) -> State:
    return State(
        commit=commit,
        date=date,
        author=author,
        md5=pointer.digest,
        size=pointer.size,
        nfiles=pointer.nfiles,
    )
