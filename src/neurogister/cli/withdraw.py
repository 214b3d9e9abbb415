"""``neurogister withdraw``: no longer to be used."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..actions.withdraw import Withdrawn, withdraw
from .application import Application
from .errors import WOULD_CHANGE
from .options import CommitOption, DryRunOption, JsonOption, NamesArgument
from .options import command as common
from .output import counted

FORMAT = "neurogister.withdraw/1"


@common
def command(
    application: Application,
    names: NamesArgument,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, for everybody who asks.")
    ],
    commit: CommitOption = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Withdraw datasets: pulls refuse them from now on, their identifiers stay taken for ever.

    A tombstone takes the place of each pointer. Bytes in remotes, caches and work trees are not
    removed; copies that are known here are printed.
    """
    report = withdraw(
        application.session, names, reason, commit=commit, dry_run=dry_run,
        progress=application.progress,
    )  # fmt: skip
    if json:
        application.output.json_lines(_shape(each) for each in report.withdrawn)
    else:
        for each in report.withdrawn:
            for path in each.copies:
                application.output.columns(each.name, path)
    number = sum(each.changed for each in report.withdrawn)
    would = "would be " if dry_run else ""
    application.progress.say(f"{counted(number, 'dataset')} {would}withdrawn")
    if any(each.copies for each in report.withdrawn):
        application.progress.say("the copies above are still there: remove them if they must go")
    if dry_run and report.changes:
        application.exit(WOULD_CHANGE)


def _shape(each: Withdrawn) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": each.name,
        "id": each.id,
        "tombstone": each.tombstone,
        "changed": each.changed,
        "copies": [str(path) for path in each.copies],
    }
