"""``neurogister init``: a new registry, or an existing DVC repository made one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..actions.adopt import adopt as adopt_repository
from ..actions.founding import InitReport
from ..actions.init import init
from ..errors import UsageError
from ..registry.sources import is_url
from .application import Application
from .errors import WOULD_CHANGE
from .options import DryRunOption, JsonOption
from .options import command as common
from .output import counted

FORMAT = "neurogister.init/1"


@common
def command(
    application: Application,
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", show_default=False,
                       help="The folder, made if it is missing; without it, this one."),
    ] = None,
    remote: Annotated[
        str | None,
        typer.Option("--remote", metavar="URL", show_default=False,
                     help="Where its bytes will be; without it, a folder in the registry."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="A short name; else that of the folder.",
                     show_default=False),
    ] = None,
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="What it is, in a line.")
    ] = None,
    adopt: Annotated[
        bool,
        typer.Option("--adopt", help="Make a DVC repository a registry: keep what is there, add"
                     " what is missing, report what does not fit."),
    ] = False,
    assign_ids: Annotated[
        bool,
        typer.Option("--assign-ids", help="Give each dataset without one an identifier, and start"
                     " its ledger; with --adopt."),
    ] = False,
    commit: Annotated[
        bool | None,
        typer.Option("--commit/--no-commit", show_default=False,
                     help="Commit in git, or only stage; a new registry is committed."),
    ] = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Make a registry in one command: git, DVC, a remote, layout, schemas, policy, first commit.

    No file that is there is overwritten. What was interrupted is completed by the same command.
    """
    if assign_ids and not adopt:
        raise UsageError("`--assign-ids` is for what is there already", hint="Add `--adopt`.")
    words: dict[str, Any] = {
        "remote": remote, "name": name, "title": title, "dry_run": dry_run,
        "progress": application.progress,
    }  # fmt: skip
    place = _place(application, folder)
    if adopt:
        report = adopt_repository(place, assign_ids=assign_ids, commit=bool(commit), **words)
    else:
        report = init(place, commit=commit is not False, **words)
    _print(application, report, json=json)
    _summarise(application, report, dry_run=dry_run)
    if dry_run and report.changed:
        application.exit(WOULD_CHANGE)


def _place(application: Application, folder: Path | None) -> Path:
    """Return the folder that is named; a registry that is only configured is another one."""
    settings = application.settings
    if folder is not None:
        return folder
    named = settings.registry if settings.origins.get("registry") == "flag" else None
    if named is not None and is_url(named):
        raise UsageError(f"{named} is a URL", hint="Name a folder: `neurogister init DIR`.")
    return Path(named or "")


def _print(application: Application, report: InitReport, *, json: bool) -> None:
    if json:
        application.output.json(_shape(report))
        return
    rows = [("new", path, "", "") for path in report.created]
    rows += [("kept", path, "", "") for path in report.kept]
    rows += [(each.rule, each.path, each.message, each.hint or "") for each in report.misfits]
    application.output.table(
        ("what", "path", "why", "how to mend it"), rows, drop=("how to mend it", "why"), cut=False
    )


def _shape(report: InitReport) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "path": str(report.path),
        "name": report.name,
        "created": list(report.created),
        "kept": list(report.kept),
        "identifiers": [
            {"pointer": path, "id": str(each)} for path, each in report.identifiers.items()
        ],
        "misfits": [
            {"path": each.path, "rule": each.rule, "message": each.message, "hint": each.hint}
            for each in report.misfits
        ],
        "commit": report.commit,
        "changed": report.changed,
    }


def _summarise(application: Application, report: InitReport, *, dry_run: bool) -> None:
    say = application.progress.say
    if not report.changed:
        say(f"{report.path} is there already: nothing to do")
    else:
        given = f", {counted(len(report.identifiers), 'identifier')}" if report.identifiers else ""
        would = "would make " if dry_run else ""
        say(f"{would}{counted(len(report.created), 'new file')}{given}")
    if report.misfits:
        counts: dict[str, int] = {}
        for each in report.misfits:
            counts[each.rule] = counts.get(each.rule, 0) + 1
        kinds = ", ".join(f"{count:,} {rule}" for rule, count in sorted(counts.items()))
        say(f"{counted(len(report.misfits), 'thing')} to mend: {kinds}")
    if report.commit:
        say(f"committed as {report.commit[:10]}")
    elif report.staged:
        say(f"staged {counted(len(report.staged), 'file')}: `git commit` makes it history")
