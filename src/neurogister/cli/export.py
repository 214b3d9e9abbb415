"""``neurogister export``: what other programs read, made of a registry or a lockfile."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..actions.export import (
    NF_NEURO,
    Exported,
    check_format,
    compare_nf_neuro,
    dump_nf_neuro,
    export_locked_zips,
    export_zips,
    refuse_differences,
    write_export,
)
from ..errors import UsageError
from .application import Application
from .options import JsonOption, LockfileOption, OptionalNamesArgument
from .options import command as common
from .output import counted
from .pull import refuse_registry

FORMAT = "neurogister.export/1"
CHECK_FORMAT = "neurogister.export-check/1"
_SIGNS = {"missing": "+", "extra": "-", "changed": "~"}

application = typer.Typer(
    help="Write what other programs read: lists of zip archives.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@application.callback()
def group() -> None:
    """Stay a group: other kinds of export have their own options."""


@application.command("manifest")
@common
def manifest(
    application: Application,
    names: OptionalNamesArgument = None,
    format_: Annotated[
        str, typer.Option("--format", metavar="|".join([NF_NEURO]), help="Who reads it.")
    ] = NF_NEURO,
    locked: Annotated[
        bool, typer.Option("--locked", help="Of what neurogister.lock says; no registry is asked.")
    ] = False,
    lockfile: LockfileOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to this file.",
                     show_default=False),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option("--check", metavar="FILE", show_default=False,
                     help="Compare this file with it instead (exit 7 if it differs)."),
    ] = None,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """List zip archives with their md5: those of packages, and files that are archives.

    Without a name: all that the registry, or the lockfile, has. One name that stands for different
    bytes is an error.
    """
    check_format(format_)
    if output is not None and (check is not None or json):
        raise UsageError("--output is for the list itself: not with --check or --json")
    exported = _export(application, names or [], lockfile, locked=locked)
    progress = application.progress
    if check is not None:
        _check(application, check, exported, json=json)
    elif json:
        application.output.json_lines(_shape(each) for each in exported)
    elif output is None:
        application.output.raw(dump_nf_neuro(exported))
    else:
        written = write_export(output, dump_nf_neuro(exported))
        progress.say(
            f"{output} {'written' if written else 'is up to date'}:"
            f" {counted(len(exported), 'archive')}"
        )


def _export(
    application: Application, names: list[str], lockfile: Path | None, *, locked: bool
) -> list[Exported]:
    if locked or lockfile is not None:
        from ..actions.lockfiles import read_lockfile

        refuse_registry(application)
        found = read_lockfile(lockfile)
        return export_locked_zips(found, names, progress=application.progress)
    from ..actions.listing import everything

    session = application.session
    targets = application.resolve(names) if names else everything(session)
    return export_zips(session, targets, named=bool(names), progress=application.progress)


def _check(application: Application, path: Path, exported: list[Exported], *, json: bool) -> None:
    compared = compare_nf_neuro(path, exported)
    if json:
        application.output.json_lines(
            {"format": CHECK_FORMAT, "name": each.name, "status": each.status,
             "listed": each.listed, "wanted": each.wanted}
            for each in compared
        )  # fmt: skip
    else:
        rows = [
            (_SIGNS[each.status], each.name, each.listed, each.wanted)
            for each in compared
            if each.status in _SIGNS
        ]
        application.output.table(("", "archive", "listed", "wanted"), rows, cut=False)
    refuse_differences(path, compared)
    application.progress.say(f"{path} is up to date: {counted(len(compared), 'archive')}")


def _shape(each: Exported) -> dict[str, object]:
    return {
        "format": FORMAT,
        "name": each.name,
        "md5": each.md5,
        "size": each.size,
        "sha256": each.sha256,
        "of": each.of,
    }
