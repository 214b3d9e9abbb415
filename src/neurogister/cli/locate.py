"""``neurogister locate``: where the copies are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ..actions.locate import Located, link_into, locate
from ..errors import NotFoundError, OnTapeError, UsageError
from .application import Application
from .names import names_from_input
from .options import JsonOption, complete_name
from .options import command as common

FORMAT = "neurogister.locate/1"


@common
def command(
    application: Application,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME...",
            help="An identifier, a path, VENDOR/PACKAGE, a glob; with @VERSION and :PART.",
            autocompletion=complete_name,
            show_default=False,
        ),
    ] = None,
    stdin: Annotated[
        bool, typer.Option("--stdin", "-@", help="Read more names from standard input, one a line.")
    ] = False,
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
    """Print where copies are: in the work tree, the cache, a remote or an archive; the nearest.

    One a line: name, kind and address, separated by tabs. Whether a remote really has it was not
    asked (`info --remote` does). Ends with 3 if something is not on this machine, with 11 if that
    is only on an offline archive.
    """
    if [link is not None, null, json].count(True) > 1:
        raise UsageError("choose one of --link, --null and --json")
    found = list(locate(application.session, application.resolve(_names(names, stdin=stdin))))
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
    _complain([each for each in found if each.path is None])


def _names(names: list[str] | None, *, stdin: bool) -> list[str]:
    given = list(names or ())
    if stdin:
        given += [name.strip() for name in names_from_input()]
    elif not given:
        raise UsageError(
            "what is to be located?", hint="Give names, or `-@` to read them from standard input."
        )
    return given


def _complain(missing: list[Located]) -> None:
    """Raise that something is not on this machine, and how to get it."""
    if not missing:
        return
    names = [each.name for each in missing]
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    some = f"{', '.join(names[:10])}{more}"
    if all(each.is_offline for each in missing):
        raise OnTapeError(f"only on an offline archive: {some}", hint="Ask who keeps the archive.")
    remote = [each.name for each in missing if any(copy.kind == "remote" for copy in each.copies)]
    hint = f"neurogister pull {' '.join(remote[:3])}{' …' if len(remote) > 3 else ''}"
    raise NotFoundError(f"not on this machine: {some}", hint=hint if remote else None)


def _shape(found: Located) -> dict[str, object]:
    return {
        "format": FORMAT,
        "name": found.name,
        "path": None if found.path is None else str(found.path),
        "copies": [{"kind": each.kind, "address": each.address} for each in found.copies],
    }
