"""Asking a remote for many objects at a time, where it can list what it has."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..backends.remotebase import LISTED_AT_ONCE, Lists
from ..errors import NeurogisterError
from ..model.objects import FOLDER

if TYPE_CHECKING:
    from ..backends.remotes import ObjectStat, Remote

MANY = 128
"""So many objects are worth a look at the list; fewer are asked for one by one."""

_WORTH_IT = 100  # so many objects can be asked for in the time that one page takes
_TICK = 0.1  # seconds, after which Ctrl-C is heard at the latest
_PATIENCE = 20.0  # seconds for a page


@dataclass(slots=True)
class Survey:
    """What a remote has listed.

    Parameters
    ----------
    seen : dict
        What it says of the objects that were looked for, by their keys.
    is_whole : bool
        Whether the list came to its end: what is not in it, the remote does not have.
    pages : int
        How many pages came.
    """

    seen: dict[str, ObjectStat] = field(default_factory=dict)
    is_whole: bool = False
    pages: int = 0


def survey(remote: Remote, keys: Collection[str]) -> Survey:
    """Look for objects in what a remote lists, as long as that is quicker than asking for each.

    A remote may have millions of other objects: the next page is asked for only if enough of
    those that are looked for were in the last one. Whatever goes wrong ends the list early.

    Parameters
    ----------
    remote : Remote
        The remote; one that cannot list gives an empty survey.
    keys : collection of str
        What is looked for.
    """
    found = Survey()
    if not isinstance(remote, Lists):
        return found
    thread = threading.Thread(target=_walk, args=(remote, frozenset(keys), found), daemon=True)
    thread.start()
    pages, until = 0, time.monotonic() + _PATIENCE
    while thread.is_alive() and time.monotonic() < until:
        thread.join(_TICK)
        if found.pages > pages:
            pages, until = found.pages, time.monotonic() + _PATIENCE
    return Survey(dict(found.seen), found.is_whole, pages)  # the thread may still be at it


def _walk(remote: Lists, keys: frozenset[str], found: Survey) -> None:
    with suppress(NeurogisterError):
        for page in remote.pages(FOLDER):
            before = len(found.seen)
            found.seen = found.seen | {key: stat for key, stat in page if key in keys}
            found.pages += 1
            if len(page) >= LISTED_AT_ONCE and len(found.seen) - before < _WORTH_IT:
                return
        found.is_whole = True
