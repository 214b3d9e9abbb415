"""What a pull works on: one selection each, where it goes, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NeurogisterError, NoSpaceError
from ..files import Destination
from .selection import Selection, select
from .signature import signature

if TYPE_CHECKING:
    from ..model.listing import Entry
    from ..model.names import Target
    from ..model.objects import Wanted
    from .examining import Place
    from .session import Session


@dataclass(slots=True)
class Work:
    """One selection on its way."""

    selection: Selection
    path: Path
    relative: str
    entries: list[Entry] | None = None
    places: list[Place] = field(default_factory=list)
    todo: list[Place] = field(default_factory=list)
    leftovers: list[Place] = field(default_factory=list)
    lacks_folder: bool = False
    error: NeurogisterError | None = None
    unchanged: bool = False

    @property
    def changes(self) -> int:
        """How many files and folders are put or removed."""
        return len(self.todo) + len(self.leftovers) + self.lacks_folder

    @property
    def is_checked_whole(self) -> bool:
        """Whether only all files together can be compared with a sha256."""
        selection = self.selection
        if self.entries is None or selection.sha256 is None or selection.part is not None:
            return False
        return any(entry.sha256 is None for entry in self.entries)

    @property
    def wanted(self) -> list[Wanted]:
        """The objects of its files."""
        return [place.wanted for place in self.places]


def root_of(session: Session) -> Path:
    """Return the folder that things go to unless the user names one."""
    root = session.reader.worktree
    return root if root is not None else Path.cwd()


def begin(session: Session, target: Target, into: Path | None, *, force: bool) -> Work:
    """Find out what a target stands for, and where it goes."""
    selection = select(session.reader, target, allow_withdrawn=force)
    in_place = into is None and session.reader.worktree is not None
    relative = selection.item.place if in_place else selection.name
    return Work(selection, (into or root_of(session)).joinpath(*relative.split("/")), relative)


def skip_unchanged(one: Work, placed: dict[str, tuple[str, str]]) -> None:
    """Recognise what lies there whole and untouched since we put (or verified) it."""
    before = placed.get(str(one.path)) if one.selection.part is None else None
    if before is None or before[0] != str(one.selection.oid):
        return
    if before[1] == signature(one.path) and _is_inside(one):
        one.unchanged = True


def _is_inside(one: Work) -> bool:
    """A link in the place of a parent folder makes it another place."""
    Destination(one.path.parents[one.relative.count("/")]).check_parents(one.relative)
    return True


class one_fails:  # noqa: N801 - reads as a statement
    """Keep the failure of one dataset with it, so that the others go on."""

    def __init__(self, one: Work) -> None:
        self._one = one

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, NeurogisterError) and not isinstance(error, NoSpaceError):
            self._one.error = error
            return True
        return False
