"""``neurogister list``: what there is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ..actions.listing import STATUSES, choose, list_datasets
from ..actions.shapes import brief
from ..errors import UsageError
from ..model.dataset import Dataset
from ..model.names import glob_matcher, is_glob
from .application import Application
from .options import JsonOption, complete_pattern
from .options import command as common
from .output import human_size

FORMAT = "neurogister.list/1"


# on a narrow terminal, the first go first
_DROPPED = ("status", "license", "files", "dtype", "version", "id")


@common
def command(
    application: Application,
    pattern: Annotated[
        str | None,
        typer.Argument(
            metavar="PATTERN",
            help="A glob over names and identifiers, or a folder of some.",
            autocompletion=complete_pattern,
        ),
    ] = None,
    packages: Annotated[bool, typer.Option("--packages", help="List packages.")] = False,
    vendors: Annotated[bool, typer.Option("--vendors", help="List vendors.")] = False,
    collections: Annotated[bool, typer.Option("--collections", help="List collections.")] = False,
    dtypes: Annotated[bool, typer.Option("--dtypes", help="List kinds of data.")] = False,
    archives: Annotated[bool, typer.Option("--archives", help="List archives.")] = False,
    dtype: Annotated[
        str | None, typer.Option("--dtype", metavar="DTYPE", help="Only datasets of this dtype.")
    ] = None,
    license: Annotated[  # noqa: A002 - the field's name
        str | None, typer.Option("--license", metavar="LICENSE", help="Only with this licence.")
    ] = None,
    status: Annotated[
        str | None,
        typer.Option(
            "--status", metavar="STATUS", help=f"Only with this status: {', '.join(STATUSES)}."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List datasets, packages, vendors or collections.

    Answers from git alone. In a pipe, the columns are separated by tabs: name, identifier,
    version, bytes, files, dtype, licence, status, title. A terminal that is too narrow goes
    without some.
    """
    kinds = {"packages": packages, "vendors": vendors, "collections": collections,
             "dtypes": dtypes, "archives": archives}  # fmt: skip
    chosen = [name for name, wanted in kinds.items() if wanted]
    kind = chosen[0] if chosen else "datasets"
    only = {"dtype": dtype, "license": license, "status": status}
    if len(chosen) > 1:
        raise UsageError("list one kind at a time", hint=f"Choose --{' or --'.join(chosen)}.")
    if kind != "datasets" and any(only.values()):
        raise UsageError(f"--dtype, --license and --status choose datasets, not {kind}")
    if kind in ("datasets", "packages"):
        list_items(application, kind, pattern, json, only)
    else:
        list_others(application, kind, pattern, json)


def list_items(
    application: Application, kind: str, pattern: str | None, json: bool, only: dict[str, Any]
) -> None:
    """Print datasets or packages."""
    session = application.session
    pattern = _from_here(pattern, session.reader.worktree)
    if kind == "datasets":
        items = list_datasets(session, pattern, **only)
    else:
        items = choose(session.reader.packages(), pattern)
    if json:
        _print_json(application, kind, [brief(item) for item in items])
    else:
        columns = ("name", "id", "version", "size", "files", "dtype", "license", "status", "title")
        rows = [_row(item, application.output.is_terminal) for item in items]
        dropped = _DROPPED if all(item.status == "active" for item in items) else _DROPPED[1:]
        application.output.table(columns, rows, right=("size", "files", "version"), drop=dropped)
        _say_if_empty(application, kind, rows, limited=pattern is not None or any(only.values()))
    for item in items:
        if item.error is not None:
            application.progress.warn(item.error)


def _from_here(pattern: str | None, worktree: Path | None) -> str | None:
    """Return a path that starts with a dot, as in ``list .``, as one from the top."""
    if pattern is None or worktree is None or not pattern.startswith("."):
        return pattern
    here = os.path.join(os.path.realpath("."), pattern)
    return Path(os.path.relpath(here, os.path.realpath(worktree))).as_posix()


def _row(item: Dataset, human: bool) -> tuple[object, ...]:
    shape = brief(item)
    size = human_size(shape["size"]) if human else shape["size"]
    return (shape["name"], shape["id"], shape["version"], size, shape["files"], shape["dtype"],
            shape["license"], shape["status"], shape["title"])  # fmt: skip


def list_others(application: Application, kind: str, pattern: str | None, json: bool) -> None:
    """Print vendors, collections, dtypes or archives."""
    rows = _others(application, kind)
    if pattern is not None:
        fits = glob_matcher(pattern if is_glob(pattern) else f"*{pattern}*")
        rows = [row for row in rows if fits(row["name"])]
    if json:
        _print_json(application, kind, rows)
        return
    columns = [name for name in (rows[0] if rows else ()) if name != "error"]
    application.output.table(
        [name.replace("_", " ") for name in columns],
        [[_text(row[name]) for name in columns] for row in rows],
        right=("datasets", "packages"),
        drop=("department",),
    )
    _say_if_empty(application, kind, rows, limited=pattern is not None)
    for row in rows:
        if row.get("error"):
            application.progress.warn(row["error"])


def _text(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(value) if isinstance(value, list) else value


def _say_if_empty(
    application: Application, kind: str, rows: Sequence[object], *, limited: bool
) -> None:
    if not rows:
        url = application.session.reader.url
        said = f"no {kind} match" if limited else f"{url} has no {kind}"
        application.progress.say(said)


def _others(application: Application, kind: str) -> list[dict[str, Any]]:
    reader = application.session.reader
    if kind == "vendors":
        return [
            {"name": each.name, "department": each.department, "packages": len(each.packages),
             "title": each.title or each.description, "error": each.error}
            for each in reader.vendors()
        ]  # fmt: skip
    if kind == "collections":
        return [
            {"name": each.name, "datasets": each.datasets, "license": each.license,
             "title": each.title, "error": each.error}
            for each in reader.collections()
        ]  # fmt: skip
    info = reader.info()
    if kind == "dtypes":
        return [
            {"name": each.name, "content_type": each.content_type,
             "extensions": list(each.extensions), "downloadable": each.downloadable,
             "title": each.title}
            for each in info.dtypes.values()
        ]  # fmt: skip
    return [
        {"name": each.name, "scheme": each.scheme, "root": each.root, "title": each.title}
        for each in info.archives.values()
    ]


def _print_json(application: Application, kind: str, rows: list[dict[str, Any]]) -> None:
    reader = application.session.reader
    application.output.json(
        {"format": FORMAT, "registry": reader.url, "commit": reader.commit, "kind": kind,
         "items": rows}
    )  # fmt: skip
