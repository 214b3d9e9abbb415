"""``neurogister vendor``: who curates packages."""

from __future__ import annotations

from typing import Annotated

import typer

from ..actions.codeowners import write_codeowners
from ..actions.vendors import NewVendor, Shelved, add_vendor, move_vendor
from .application import Application
from .errors import WOULD_CHANGE
from .list_ import list_others
from .options import CommitOption, DryRunOption, JsonOption, complete_vendor
from .options import command as common

FORMAT = "neurogister.vendor/1"
CODEOWNERS_FORMAT = "neurogister.codeowners/1"

application = typer.Typer(
    help="List vendors, add one, move one into a department, ask theirs to review.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@application.command("list")
@common
def list_(application: Application, json: JsonOption = False) -> None:
    """List the vendors, as `list --vendors` does."""
    list_others(application, "vendors", None, json)


@application.command("add")
@common
def add(
    application: Application,
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    department: Annotated[
        str | None,
        typer.Option("--department", metavar="D", help="The group of vendors that it belongs to."),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT")] = None,
    description: Annotated[str | None, typer.Option("--description", metavar="TEXT")] = None,
    maintainers: Annotated[
        list[str] | None,
        typer.Option("--maintainer", metavar="'NAME <GITHUB-OR-MAIL>'", show_default=False,
                     help="Who answers for its packages; repeatable."),
    ] = None,
    commit: CommitOption = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Add a vendor: a folder of the store with its vendor.yaml.

    Its name is unique in all departments, so that VENDOR/PACKAGE is enough to name a package.
    """
    new = NewVendor(
        name=name, department=department, title=title, description=description,
        maintainers=tuple(maintainers or ()),
    )  # fmt: skip
    done = add_vendor(
        application.session, new, commit=commit, dry_run=dry_run, progress=application.progress
    )
    _print(application, done, json=json, dry_run=dry_run)


@application.command("move")
@common
def move(
    application: Application,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", autocompletion=complete_vendor, show_default=False),
    ],
    department: Annotated[
        str,
        typer.Option("--department", metavar="D", show_default=False,
                     help="Where to; '' puts it directly into the store."),
    ],
    commit: CommitOption = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Move a vendor into a department, or out of one.

    Packages keep their names and versions, and data that lies in the work tree moves along.
    """
    done = move_vendor(
        application.session, name, department or None, commit=commit, dry_run=dry_run,
        progress=application.progress,
    )  # fmt: skip
    _print(application, done, json=json, dry_run=dry_run)


@application.command("codeowners")
@common
def codeowners(
    application: Application,
    check: Annotated[
        bool, typer.Option("--check", help="Only make sure that the file is so; else 1.")
    ] = False,
    commit: CommitOption = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Write into .github/CODEOWNERS that a vendor's maintainers review its folder.

    Maintainers are those of vendor.yaml who have a GitHub account there. Only what stands between
    the two lines that name this command is replaced.
    """
    done = write_codeowners(
        application.session, check=check, commit=commit, dry_run=dry_run,
        progress=application.progress,
    )  # fmt: skip
    if json:
        application.output.json(
            {
                "format": CODEOWNERS_FORMAT,
                "path": done.path,
                "lines": list(done.lines),
                "without": list(done.without),
                "changed": done.changed,
            }
        )
    else:
        for line in done.lines:
            application.output.line(line)
    for folder in done.without:
        application.progress.warn(f"{folder} has no maintainer with an account on GitHub")
    if dry_run and done.changed:
        application.exit(WOULD_CHANGE)


def _print(application: Application, done: Shelved, *, json: bool, dry_run: bool) -> None:
    if json:
        application.output.json(
            {
                "format": FORMAT,
                "name": done.name,
                "department": done.department,
                "path": done.path,
                "before": done.before,
                "changed": done.changed,
            }
        )
    else:
        application.output.line(done.path)
    if not done.changed:
        application.progress.say(f"{done.name} is there already")
    if dry_run and done.changed:
        application.exit(WOULD_CHANGE)
