"""Objects in git: a registry whose remote is a folder of its own gets bytes by submission.

They may only be added, each under the name that its content has; what is there never changes.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from ...backends.dvcconfig import read_config
from ...errors import NeurogisterError
from ...registry.layout import DVC_CONFIG
from .reading import finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...model.finding import Finding
    from .submission import FileChange, Submission

OBJECT_LIMIT = 64 * 1024 * 1024
_CONFIG_LIMIT = 64 * 1024
_KEY = re.compile(r"\Afiles/md5/(?P<start>[0-9a-f]{2})/(?P<rest>[0-9a-f]{30})(?P<dir>\.dir)?\Z")


def object_folders(submission: Submission) -> tuple[str, ...]:
    """List the folders of the registry that are its remotes, as its base says."""
    tree = submission.base_tree if submission.base is not None else submission.tree
    entry = tree.get(DVC_CONFIG)
    data = submission.content(entry.oid, limit=_CONFIG_LIMIT) if entry is not None else None
    if data is None:
        return ()
    try:
        remotes = read_config(data, root=None).remotes.values()
    except NeurogisterError:
        return ()  # other rules tell of it
    return tuple(f"{each.in_tree.strip('/')}/" for each in remotes if each.in_tree)


def is_added_object(change: FileChange, folders: Sequence[str]) -> bool:
    """Tell whether a change only adds an object to a remote in the registry."""
    return (
        bool(folders)
        and change.path.startswith(tuple(folders))
        and change.old_mode is None
        and change.is_file
    )


def check_objects(submission: Submission) -> Iterator[Finding]:
    """Check the objects that a submission adds: the name says the content."""
    folders = object_folders(submission)
    added = [each for each in submission.changes if is_added_object(each, folders)]
    if submission.base is None:
        return  # `verify --remote` reads them all
    submission.learn_sizes(each.oid for each in added if each.oid)
    for change in added:
        yield from _object(submission, change, folders)


def _object(
    submission: Submission, change: FileChange, folders: Sequence[str]
) -> Iterator[Finding]:
    folder = next(each for each in folders if change.path.startswith(each))
    key = _KEY.match(change.path.removeprefix(folder))
    if key is None:
        yield finding("object-name", change, "is no object of a remote", offending=change.path)
        return
    size = submission.size(change.oid or "") or 0
    if size > OBJECT_LIMIT:
        yield finding(
            "file-size", change, f"has {size:,} bytes; {OBJECT_LIMIT:,} is the most for an object"
        )
        return
    data = submission.read_once(change.oid or "")
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if md5 != key["start"] + key["rest"]:
        yield finding(
            "object-name", change, f"has other content: its md5 is {md5}", offending=change.path
        )
