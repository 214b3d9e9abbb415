"""``neurogister manifest``: the size and digest of every file of a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..actions.manifests import build_manifest, check_manifest, find_manifest
from ..actions.verify import CHANGED, EXTRA, OK, Verdict
from ..errors import UsageError
from ..files import write_whole
from ..model.manifest import PLAIN_COLUMNS, REGISTRY_COLUMNS, dump_manifest
from .application import Application
from .options import JsonOption
from .options import command as common
from .verify import judge, shape, summary

FORMAT = "neurogister.manifest/1"


@common
def command(
    application: Application,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder.")],
    check: Annotated[
        bool, typer.Option("--check", help="Compare the folder with its manifest instead.")
    ] = False,
    manifest: Annotated[
        Path | None,
        typer.Option("--manifest", "-m", metavar="FILE",
                     help="The manifest to check against; else DIR.manifest.csv beside the"
                     " folder, or manifest.csv in it."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file.")
    ] = None,
    md5: Annotated[
        bool, typer.Option("--md5", help="With the md5 too, as a registry's own manifests.")
    ] = False,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Print a manifest of a folder (CSV: size,sha256,path), or check the folder against one.

    `--check` ends with 4 if a file is missing, changed, or not in the manifest.
    """
    progress = application.progress
    if output is not None and (check or json):
        raise UsageError("--output is for the manifest itself: not with --check or --json")
    if check or manifest is not None:
        verdicts = check_manifest(folder, manifest or find_manifest(folder), progress=progress)
        wrong = [each for each in verdicts if each.status != OK]
        if json:
            application.output.json_lines(shape(each) for each in verdicts)
        else:
            application.output.table(
                ("status", "path", "detail"),
                [(each.status, each.name, each.detail) for each in wrong],
                cut=False,
            )
        progress.say(summary(verdicts))
        judge([_strict(each) for each in verdicts], named=True, repair=False)
        return
    algorithms = ("md5", "sha256") if md5 else ("sha256",)
    entries = build_manifest(folder, algorithms=algorithms, without=output, progress=progress)
    if json:
        application.output.json(
            {"format": FORMAT, "folder": str(folder),
             "files": [{"path": e.path, "size": e.size, "md5": e.md5 or None, "sha256": e.sha256}
                       for e in entries]}
        )  # fmt: skip
        return
    data = dump_manifest(entries, columns=REGISTRY_COLUMNS if md5 else PLAIN_COLUMNS)
    if output is not None:
        write_whole(output, data)
    else:
        application.output.raw(data)


def _strict(verdict: Verdict) -> Verdict:
    """A file too many is a difference too: a manifest says what a folder is."""
    return replace(verdict, status=CHANGED) if verdict.status == EXTRA else verdict
