"""``neurogister promote``: the bytes of merged submissions reach the main remote."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..actions.promote import promote
from ..actions.promotion import PROMOTED, THERE, Order, Promoted, Promotion
from .application import Application
from .errors import WOULD_CHANGE
from .options import DryRunOption, JobsOption, JsonOption
from .options import command as common
from .output import counted, human_size

FORMAT = "neurogister.promote/1"


@common
def command(
    application: Application,
    base: Annotated[
        str | None,
        typer.Option("--base", metavar="REV", help="Only what was not named in this commit."),
    ] = None,
    sources: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="URL|REMOTE|FILE", show_default=False,
                     help="Where the bytes are, if not where the commits say; repeatable."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="REMOTE", help="The DVC remote that they go to."),
    ] = None,
    verify_remote: Annotated[
        bool, typer.Option("--verify-remote", help="Read every byte back from the main remote.")
    ] = False,
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="FILE", help="Add a line of JSON for each object."),
    ] = None,
    jobs: JobsOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Copy the objects that merged pointers name from staging to the main remote.

    For maintainers, after a merge. Which objects follows from the commit alone (the last one, or
    that of `--rev`); each is verified before it is stored, what is there is left alone, and nothing
    is removed. Run again, it does what is missing.
    """
    application.option(jobs=jobs)
    order = Order(
        base=base, sources=tuple(sources or ()), to=to, verify_remote=verify_remote, log=log,
        dry_run=dry_run,
    )  # fmt: skip
    result = promote(application.session, order, progress=application.progress)
    if json:
        application.output.json_lines(shape(each, result) for each in result.objects)
    else:
        application.output.table(
            ("status", "object", "size", "name", "from"),
            [_row(each) for each in result.objects if each.status != THERE],
            right=("size",),
            drop=("from", "size"),
        )
    _summarise(application, result)
    if dry_run and result.changes:
        application.exit(WOULD_CHANGE)


def _row(each: Promoted) -> tuple[object, ...]:
    return each.status, each.object, human_size(each.size), each.name, each.source


def shape(each: Promoted, result: Promotion) -> dict[str, Any]:
    """Return one outcome as JSON."""
    return {
        "format": FORMAT,
        "object": each.object,
        "name": each.name,
        "size": each.size,
        "sha256": each.sha256,
        "status": each.status,
        "from": each.source,
        "to": each.to,
        "proof": each.proof,
        "commit": result.commit,
    }


def _summarise(application: Application, result: Promotion) -> None:
    new = [each for each in result.objects if each.status != THERE]
    there = len(result.objects) - len(new)
    size = human_size(sum(each.size or 0 for each in new))
    verb = PROMOTED if not new or new[0].status == PROMOTED else "to be promoted"
    application.progress.say(
        f"{counted(len(new), 'object')} ({size}) {verb}; '{result.to}' had {there:,} already;"
        f" commit {result.commit[:10]}"
    )
