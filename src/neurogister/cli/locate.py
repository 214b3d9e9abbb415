"""``neurogister locate``: where the copies are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ..actions.locate import Located, link_into, locate
from ..errors import NotFoundError, UsageError
from .application import Application
from .options import JsonOption, NamesArgument
from .options import command as common

FORMAT = "neurogister.locate/1"


@common
def command(
    application: Application,
    names: NamesArgument,
    link: Annotated[
        Path | None,
        typer.Option("--link", "-L", metavar="DIR", help="Make links to the local copies here."),
    ] = None,
    null: Annotated[
        bool, typer.Option("--null", "-0", help="Print only local paths, separated by NUL.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", "-a", help="Print every copy.")] = False,
    json: JsonOption = False,
) -> None:
    """Print where copies are: in the work tree, the cache, a remote; the nearest one of each.

    One a line: name, kind and address, separated by tabs. Whether a remote really has it was not
    asked (`info --remote` does). Ends with 3 if something is not on this machine.
    """
    if [link is not None, null, json].count(True) > 1:
        raise UsageError("choose one of --link, --null and --json")
    found = list(locate(application.session, application.resolve(names)))
    if json:
        application.output.json_lines(_shape(each) for each in found)
    elif link is not None:
        for path in link_into(link.absolute(), found):
            application.output.line(path)
    elif null:
        paths = [os.fsencode(each.path) for each in found if each.path is not None]
        application.output.raw(b"".join(path + b"\0" for path in paths))
    else:
        for each in found:
            for copy in each.copies if every else each.copies[:1]:
                application.output.columns(each.name, copy.kind, copy.address)
    missing = [each.name for each in found if each.path is None]
    if missing:
        more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
        raise NotFoundError(
            f"not on this machine: {', '.join(missing[:10])}{more}",
            hint=f"neurogister pull {' '.join(missing[:3])}{' …' if len(missing) > 3 else ''}",
        )


def _shape(found: Located) -> dict[str, object]:
    return {
        "format": FORMAT,
        "name": found.name,
        "path": None if found.path is None else str(found.path),
        "copies": [{"kind": each.kind, "address": each.address} for each in found.copies],
    }
