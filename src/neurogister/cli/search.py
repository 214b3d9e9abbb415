"""``neurogister search``: what fits words and conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..actions.search import KINDS, Wanted, search
from ..actions.shapes import brief
from .application import Application
from .options import JsonOption
from .options import command as common
from .output import counted, human_size

if TYPE_CHECKING:
    from ..model.dataset import Dataset

FORMAT = "neurogister.search/1"

# on a narrow terminal, the first go first
_DROPPED = ("status", "license", "version", "dtype", "size", "id")


@common
def command(
    application: Application,
    text: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT...",
            help="Words that must all be there; '\"a phrase\"' in quotes of both kinds.",
            show_default=False,
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "-k",
            "--where",
            metavar="CONDITION",
            help="A condition that must hold: key=value, key!=value, key>=2, 'key=glob*', key.",
        ),
    ] = None,
    where_not: Annotated[
        list[str] | None,
        typer.Option("-K", "--where-not", metavar="CONDITION", help="One that must not hold."),
    ] = None,
    dtype: Annotated[
        str | None, typer.Option("--dtype", metavar="DTYPE", help="Only of this dtype.")
    ] = None,
    digest: Annotated[
        str | None,
        typer.Option("--digest", metavar="DIGEST", help="Any version's digest, or its start."),
    ] = None,
    archive: Annotated[
        str | None, typer.Option("--archive", metavar="NAME", help="Only what it keeps.")
    ] = None,
    created_by: Annotated[
        str | None, typer.Option("--created-by", metavar="WHO", help="Only of this creator.")
    ] = None,
    license: Annotated[  # noqa: A002 - the field's name
        str | None, typer.Option("--license", metavar="LICENSE", help="Only with this licence.")
    ] = None,
    collection: Annotated[
        str | None, typer.Option("--collection", metavar="NAME", help="Only of this collection.")
    ] = None,
    status: Annotated[
        str | None, typer.Option("--status", metavar="STATUS", help="Only with this status.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="|".join(KINDS), help="Only of this kind."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", help="Print so many at most; 0 prints all.")
    ] = 50,
    json: JsonOption = False,
) -> None:
    """Find datasets, resources and packages by words and conditions.

    Words are looked for in names, identifiers, titles, descriptions, keywords, dtypes, licences,
    creators, dates, digests and metadata; each must be there, or be the start of a word. In a
    pipe, the columns are separated by tabs: name, identifier, version, bytes, dtype, licence,
    status, title.
    """
    wanted = Wanted(
        text=" ".join(text or ()), where=tuple(where or ()), where_not=tuple(where_not or ()),
        dtype=dtype, license=license, collection=collection, created_by=created_by,
        archive=archive, digest=digest, status=status, kind=kind,
    )  # fmt: skip
    found = search(application.session, wanted, limit=limit)
    if json:
        application.output.json_lines(_shape(item) for item in found.items)
    else:
        _print_table(application, found.items)
    left = found.total - len(found.items)
    if not found.total:
        application.progress.say("nothing found (fewer words, or `neurogister list`, show more)")
    elif left:
        application.progress.say(f"{counted(left, 'more result')}; `--limit 0` shows all")


def _print_table(application: Application, items: list[Dataset]) -> None:
    human = application.output.is_terminal
    rows = [
        (item.name, item.id, item.version, human_size(item.size) if human else item.size,
         item.dtype, item.license, item.status, item.title)
        for item in items
    ]  # fmt: skip
    dropped = _DROPPED if all(item.status == "active" for item in items) else _DROPPED[1:]
    application.output.table(
        ("name", "id", "version", "size", "dtype", "license", "status", "title"),
        rows,
        right=("version", "size"),
        drop=dropped,
    )


def _shape(item: Dataset) -> dict[str, Any]:
    record = item.record
    return {
        "format": FORMAT,
        **brief(item),
        "description": record.description if record else None,
        "created_by": record.created_by if record else None,
        "created_on": record.created_on if record else None,
        "metadata": dict(record.metadata) if record else {},
    }
