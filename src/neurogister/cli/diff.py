"""``neurogister diff``: what changed between two versions."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..actions.versions import diff
from ..model.listing import Entry
from .application import Application
from .options import JsonOption, complete_name
from .options import command as common
from .output import human_size

FORMAT = "neurogister.diff/1"


@common
def command(
    application: Application,
    before: Annotated[
        str, typer.Argument(metavar="BEFORE", help="As NAME@1.", autocompletion=complete_name)
    ],
    after: Annotated[
        str, typer.Argument(metavar="AFTER", help="As NAME@2.", autocompletion=complete_name)
    ],
    json: JsonOption = False,
) -> None:
    """Show which files were added, removed and changed between two versions, with their bytes.

    Without @VERSION, it is the present one. In a pipe, the columns are separated by tabs: `+`,
    `-` or `~`, path, bytes before, bytes after.
    """
    old, new = application.resolve_one(before), application.resolve_one(after)
    found = diff(application.session, old, new, progress=application.progress)
    rows = [
        *(("added", None, entry) for entry in found.added),
        *(("removed", entry, None) for entry in found.removed),
        *(("changed", *pair) for pair in found.changed),
    ]
    if json:
        changes = [_shape(*row) for row in rows]
        application.output.json(
            {"format": FORMAT, "before": str(old), "after": str(new), "changes": changes,
             "same": found.same}
        )  # fmt: skip
        return
    sign = {"added": "+", "removed": "-", "changed": "~"}
    human = application.output.is_terminal
    table = [
        (sign[what], (later or earlier).path, _size(earlier, human), _size(later, human))  # type: ignore[union-attr]
        for what, earlier, later in rows
    ]
    application.output.table(
        ("", "path", "before", "after"), table, right=("before", "after"), cut=False
    )
    application.progress.say(
        f"{len(found.added)} added, {len(found.removed)} removed, {len(found.changed)} changed,"
        f" {found.same} the same"
    )


def _size(entry: Entry | None, human: bool) -> str | int | None:
    if entry is None:
        return None
    return human_size(entry.size) if human else entry.size


def _shape(what: str, old: Entry | None, new: Entry | None) -> dict[str, Any]:
    def one(entry: Entry | None) -> dict[str, Any] | None:
        return None if entry is None else {"md5": entry.md5, "size": entry.size}

    path = (new or old).path  # type: ignore[union-attr]
    return {"change": what, "path": path, "before": one(old), "after": one(new)}
