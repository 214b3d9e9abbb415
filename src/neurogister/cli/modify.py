"""``neurogister modify``: what records say."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..actions.modify import Modification, Modified, modify
from ..model.assignments import parse_assignments
from ..model.table import Said
from .application import Application
from .errors import WOULD_CHANGE
from .options import (
    AssignOption,
    CommitOption,
    DryRunOption,
    JsonOption,
    NamesArgument,
    complete_dtype,
)
from .options import command as common
from .output import counted

FORMAT = "neurogister.modify/1"


@common
def command(
    application: Application,
    names: NamesArgument,
    assignments: AssignOption = None,
    removed: Annotated[
        list[str] | None,
        typer.Option("-K", metavar="KEY", help="Remove a key of the metadata; repeatable.",
                     show_default=False),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT")] = None,
    description: Annotated[str | None, typer.Option("--description", metavar="TEXT")] = None,
    license_: Annotated[str | None, typer.Option("--license", metavar="SPDX")] = None,
    dtype: Annotated[
        str | None,
        typer.Option("--dtype", metavar="DTYPE", autocompletion=complete_dtype),
    ] = None,
    status: Annotated[
        str | None, typer.Option("--status", metavar="active|deprecated", help="Still of use?")
    ] = None,
    commit: CommitOption = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Change the records of datasets; bytes, versions and identifiers stay as they are.

    Comments and the order of the file are kept. The change is staged in git, or committed with
    `--commit`.
    """
    said = Said(
        dtype=dtype, title=title, description=description, license=license_,
        metadata=parse_assignments(assignments or ()),
    )  # fmt: skip
    modification = Modification(said=said, removed=tuple(removed or ()), status=status)
    report = modify(
        application.session, names, modification, commit=commit, dry_run=dry_run,
        progress=application.progress,
    )  # fmt: skip
    if json:
        application.output.json_lines(_shape(item) for item in report.items)
    else:
        application.output.table(
            ("name", "id", "changed"),
            [(item.name, item.id, "yes" if item.changed else "no") for item in report.items],
        )
    changed = sum(item.changed for item in report.items)
    would = "would be " if dry_run else ""
    application.progress.say(f"{counted(changed, 'record')} {would}changed")
    if dry_run and report.changes:
        application.exit(WOULD_CHANGE)


def _shape(item: Modified) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": item.name,
        "id": item.id,
        "file": item.path,
        "changed": item.changed,
    }
