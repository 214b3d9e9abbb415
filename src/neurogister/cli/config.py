"""``neurogister config``: settings, and where they come from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ..actions.configure import change_setting
from ..errors import UsageError
from ..settings import (
    FILE_NAMES,
    NAMES,
    OWN_NAMES,
    PREFIX,
    PROJECT_FILE,
    find_project_file,
    user_file,
)
from .application import Application
from .errors import WOULD_CHANGE
from .options import DryRunOption, JsonOption
from .options import command as common

FORMAT = "neurogister.config/1"


def _complete_setting(incomplete: str) -> list[str]:
    return [name for name in NAMES if name.startswith(incomplete)]


@common
def command(
    application: Application,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A setting.", autocompletion=_complete_setting),
    ] = None,
    value: Annotated[str | None, typer.Argument(metavar="VALUE", help="Its new value.")] = None,
    unset: Annotated[bool, typer.Option("--unset", help="Remove it from the file.")] = False,
    project: Annotated[
        bool, typer.Option("--project", help=f"Change {PROJECT_FILE} instead of the user's file.")
    ] = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Show all settings, one of them, or change one.

    A flag wins over the environment (NEUROGISTER_NAME), that over neurogister.toml of the
    project (here or in a folder above), that over the user's file.
    """
    if value is not None or unset or project:
        _change(application, name, value, unset=unset, project=project, dry_run=dry_run)
        return
    if name is not None and name not in NAMES:
        raise UsageError(f"there is no setting '{name}'", hint=f"There are: {', '.join(NAMES)}.")
    if name is None or json:
        _show(application, [name] if name else list(NAMES), json=json)
    else:
        application.output.line(_text(getattr(application.settings, name)))


def _change(
    application: Application,
    name: str | None,
    value: str | None,
    *,
    unset: bool,
    project: bool,
    dry_run: bool,
) -> None:
    if name is None or (value is None) != unset:
        raise UsageError(
            "say which setting, and its value or `--unset`",
            hint=f"The settings are: {', '.join(FILE_NAMES)}.",
        )
    path = (find_project_file() or Path.cwd() / PROJECT_FILE) if project else user_file()
    if project and name in OWN_NAMES and not unset:
        raise UsageError(
            "a project may not decide where the cache is",
            hint=f"Leave out `--project`, or set {PREFIX}{name.upper()}.",
        )
    if not change_setting(path, name, value, dry_run=dry_run):
        application.progress.say(f"{path}: nothing to change")
        return
    what = f"{name} removed" if unset else f"{name} = {value}"
    application.progress.say(f"{path}: {what}{' (not done: --dry-run)' if dry_run else ''}")
    if dry_run:
        application.exit(WOULD_CHANGE)


def _show(application: Application, names: list[str], *, json: bool) -> None:
    settings = application.settings
    values = {each: getattr(settings, each) for each in names}
    origins = {each: settings.origins.get(each, "default") for each in names}
    if json:
        rows = {
            each: {"value": _plain(value), "origin": origins[each]}
            for each, value in values.items()
        }
        application.output.json({"format": FORMAT, "settings": rows})
    else:
        application.output.table(
            ("setting", "value", "from"),
            [(each, _text(values[each]), origins[each]) for each in names],
            cut=False,
        )


def _plain(value: object) -> object:
    """Return a value as JSON has it."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def _text(value: object) -> str:
    """Return a value as one would type it."""
    if isinstance(value, tuple):
        return os.pathsep.join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
