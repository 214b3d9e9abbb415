"""What lies in the work tree, as far as that can be told without reading it."""

from __future__ import annotations

import stat
from functools import cached_property
from pathlib import Path

from .selection import Selection
from .session import Session
from .signature import signature


class CheckedOut:
    """Finds states of datasets in the work tree.

    Parameters
    ----------
    session : Session
        The registry; it may have no work tree.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._root = session.reader.worktree

    @cached_property
    def _placed(self) -> dict[str, tuple[str, str]]:
        return {} if self._root is None else self._session.state.placed(self._root)

    def expected_place(self, selection: Selection) -> Path | None:
        """Return where a state should lie: at its place, if it is the present one or we put it."""
        if self._root is None:
            return None
        place = self._root.joinpath(*selection.item.place.split("/"))
        if selection.current and self._session.reader.root is not None:
            return place
        before = self._placed.get(str(place))
        return place if before is not None and before[0] == str(selection.oid) else None

    def find(self, selection: Selection) -> Path | None:
        """Find where a state lies in the work tree.

        What we placed (or verified) ourselves, and is untouched since, is known. Anything else
        counts as the present state of its dataset, unless its kind or size tells otherwise.

        Returns
        -------
        Path or None
            Of the dataset, also if a part of it is selected.
        """
        if self._root is None:
            return None
        place = self._root.joinpath(*selection.item.place.split("/"))
        try:
            found = place.stat()
        except OSError:
            return None
        before = self._placed.get(str(place))
        if before is not None and before[1] == signature(place):
            return place if before[0] == str(selection.oid) else None
        if not selection.current or self._session.reader.root is None:
            return None
        if stat.S_ISDIR(found.st_mode) != selection.is_folder:
            return None
        is_other = not selection.is_folder and selection.size not in (None, found.st_size)
        return None if is_other else place
