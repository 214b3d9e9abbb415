"""``neurogister dtype``: the kinds of data of a registry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..actions.dtypes import NewDtype, add_dtype
from ..actions.metadata import schema_path
from ..model.registryinfo import Dtype
from .application import Application
from .errors import WOULD_CHANGE
from .options import CommitOption, DryRunOption, JsonOption
from .options import command as common

FORMAT = "neurogister.dtypes/1"

application = typer.Typer(
    help="List the kinds of data of a registry, and add one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@application.command("list")
@common
def list_(application: Application, json: JsonOption = False) -> None:
    """List the kinds of data."""
    reader = application.session.reader
    dtypes = reader.info().dtypes
    schemas = {
        name: path for name in dtypes if reader.read_file(path := schema_path(name)) is not None
    }
    if json:
        application.output.json(
            {
                "format": FORMAT,
                "dtypes": [_shape(each, schemas.get(each.name)) for each in dtypes.values()],
            }
        )
        return
    application.output.table(
        ("name", "extensions", "schema", "title"),
        [
            (each.name, ", ".join(each.extensions), schemas.get(each.name), each.title)
            for each in dtypes.values()
        ],
        drop=("schema", "extensions"),
    )


def _shape(dtype: Dtype, schema: str | None) -> dict[str, Any]:
    return {
        "name": dtype.name,
        "title": dtype.title,
        "description": dtype.description,
        "content_type": dtype.content_type,
        "extensions": list(dtype.extensions),
        "downloadable": dtype.downloadable,
        "schema": schema,
    }


@application.command("add")
@common
def add(
    application: Application,
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT")] = None,
    description: Annotated[str | None, typer.Option("--description", metavar="TEXT")] = None,
    content_type: Annotated[
        str | None, typer.Option("--content-type", metavar="TYPE", help="As `audio/wav`.")
    ] = None,
    extensions: Annotated[
        list[str] | None,
        typer.Option("--extension", metavar="EXT", help="As `nii.gz`; repeatable.",
                     show_default=False),
    ] = None,
    downloadable: Annotated[
        bool, typer.Option("--downloadable", help="It may be downloaded openly.")
    ] = False,
    schema: Annotated[
        Path | None,
        typer.Option("--schema", metavar="FILE", help="A JSON Schema for the metadata."),
    ] = None,
    commit: CommitOption = False,
    dry_run: DryRunOption = False,
) -> None:  # fmt: skip
    """Add a kind of data to registry.yaml; the rest of the file stays as it is."""
    dtype = NewDtype(
        name=name, title=title, description=description, content_type=content_type,
        extensions=tuple(extensions or ()), downloadable=downloadable, schema=schema,
    )  # fmt: skip
    paths = add_dtype(
        application.session, dtype, commit=commit, dry_run=dry_run, progress=application.progress
    )
    for path in paths:
        application.output.line(path)
    if not paths:
        application.progress.say(f"the registry has the dtype {name} already")
    if dry_run and paths:
        application.exit(WOULD_CHANGE)
