"""``neurogister rename``: another place, the same identifier."""

from __future__ import annotations

from typing import Annotated

import typer

from ..actions.rename import rename
from .application import Application
from .errors import WOULD_CHANGE
from .options import CommitOption, DryRunOption, JsonOption, NameArgument
from .options import command as common

FORMAT = "neurogister.rename/1"


@common
def command(
    application: Application,
    name: NameArgument,
    to: Annotated[
        str,
        typer.Argument(metavar="NEW", help="COLLECTION/NAME, or COLLECTION/ to keep the name.",
                       show_default=False),
    ],
    new_collection: Annotated[
        bool, typer.Option("--new-collection", help="The collection may be a new one.")
    ] = False,
    commit: CommitOption = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Move a dataset to another place in the registry.

    Its identifier and its versions stay, and the record keeps the former name. Data that lies in
    the work tree moves along.
    """
    done = rename(
        application.session, name, to, new_collection=new_collection, commit=commit,
        dry_run=dry_run, progress=application.progress,
    )  # fmt: skip
    if json:
        application.output.json(
            {
                "format": FORMAT,
                "id": done.id,
                "before": done.before,
                "name": done.name,
                "pointer": done.pointer,
                "changed": done.changed,
            }
        )
    else:
        application.output.line(done.name)
    if dry_run and done.changed:
        application.exit(WOULD_CHANGE)
