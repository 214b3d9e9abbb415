"""``neurogister info``: all that is known of datasets."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..actions.describe import UNKNOWN
from ..actions.info import describe_targets
from ..actions.shapes import full
from .application import Application
from .options import JsonOption, NamesArgument
from .options import command as common
from .output import Output, human_size

FORMAT = "neurogister.info/1"
_FEW = 10


@common
def command(
    application: Application,
    names: NamesArgument,
    files: Annotated[bool, typer.Option("--files", help="List all files of folders.")] = False,
    remote: Annotated[
        bool, typer.Option("--remote", help="Ask the remotes for what only they know.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show the record, versions, members, files, size, licence and copies of datasets.

    Answers from git and from what is here; `--remote` asks the remotes too. What only they know
    is shown as unknown.
    """
    targets = application.resolve(names)
    descriptions = describe_targets(
        application.session, targets, ask_remotes=remote, progress=application.progress
    )
    shapes = [full(each) for each in descriptions]
    if json:
        application.output.json(
            {"format": FORMAT, "registry": application.session.reader.url,
             "commit": application.session.reader.commit, "items": shapes}
        )  # fmt: skip
        return
    for number, shape in enumerate(shapes):
        if number:
            application.output.line()
        _print(application.output, shape, all_files=files)


def _print(output: Output, shape: dict[str, Any], *, all_files: bool) -> None:
    part = f":{shape['part']}" if shape.get("part") else ""
    title = f"  ({shape['title']})" if shape["title"] else ""
    output.line(f"{shape['name']}{part}{title}")
    output.fields(
        [
            ("identifier", shape["id"]),
            ("kind", shape["kind"]),
            ("status", shape["status"]),
            ("withdrawn", _joined(shape.get("withdrawn"), ("date", "by", "reason"))),
            ("version", shape["version"]),
            ("purpose", shape.get("purpose")),
            ("description", shape.get("description")),
            ("dtype", shape["dtype"]),
            ("license", shape["license"] or UNKNOWN),
            ("size", _size(shape)),
            ("md5", shape["md5"]),
            ("sha256", shape.get("sha256")),
            ("created by", shape.get("created_by")),
            ("created on", shape.get("created_on")),
            ("derived from", ", ".join(map(str, shape.get("derived_from") or ()))),
            ("zip", _joined(shape.get("zip"), ("name", "md5"))),
            ("file", shape["path"]),
            ("error", shape["error"]),
        ],
        indent=2,
    )
    _print_group(output, "metadata", (shape.get("metadata") or {}).items())
    places = [(each["archive"], each["address"] or "") for each in shape.get("locations") or []]
    _print_group(output, "locations", places)
    _print_versions(output, shape.get("versions") or [])
    _print_members(output, shape.get("members") or [])
    _print_outdated(output, shape.get("outdated") or [])
    _print_files(output, shape, all_files=all_files)
    _print_copies(output, shape)


def _size(shape: dict[str, Any]) -> str | None:
    if shape["kind"] == "resource" and shape["size"] is None:
        return None
    size = shape["size"]
    text = UNKNOWN if size is None else f"{human_size(size)} ({size:,} bytes)"
    if not shape["folder"]:
        return text
    files = UNKNOWN if shape["files"] is None else format(shape["files"], ",")
    return f"{text}, {files} file{'' if shape['files'] == 1 else 's'}"


def _joined(values: dict[str, Any] | None, names: tuple[str, ...]) -> str:
    return ", ".join(str(values[name]) for name in names if values[name]) if values else ""


def _print_group(output: Output, title: str, pairs: Any) -> None:
    pairs = list(pairs)
    if pairs:
        output.line(f"  {title}:")
        output.fields(pairs, indent=4)


def _print_versions(output: Output, versions: list[dict[str, Any]]) -> None:
    if versions:
        output.line("  versions:")
        for each in versions:
            said = [each.get("date"), each.get("by"), each.get("note")]
            output.line(f"    {each['version']}  {'  '.join(str(one) for one in said if one)}")


def _print_members(output: Output, members: list[dict[str, Any]]) -> None:
    if members:
        output.line("  members:")
        for each in members:
            part = f":{each['part']}" if each["part"] else ""
            version = "" if each["version"] is None else f"@{each['version']}"
            output.line(f"    {each['path']}  from {each['dataset']}{version}{part}")


def _print_outdated(output: Output, outdated: list[dict[str, Any]]) -> None:
    if outdated:
        output.line("  outdated:")
        for each in outdated:
            output.line(f"    {each['dataset']}  {_why_outdated(each)}")


def _why_outdated(member: dict[str, Any]) -> str:
    if member["status"] == "withdrawn":
        return f"was withdrawn{member['reason'] or ''}"
    if member["status"] == "missing":
        return "is not in the registry any more"
    before = "another version" if member["released"] is None else f"version {member['released']}"
    return f"has version {member['newest']}; the package has {before}"


def _print_files(output: Output, shape: dict[str, Any], *, all_files: bool) -> None:
    if not shape["folder"]:
        return
    content = shape["content"]
    if content is None:
        output.line(f"  files:  {UNKNOWN} here (`--remote` asks the remote for the listing)")
        return
    shown = content if all_files else content[:_FEW]
    output.line("  files:")
    for each in shown:
        size = "" if each["size"] is None else f"  {human_size(each['size'])}"
        output.line(f"    {each['path']}{size}")
    if len(content) > len(shown):
        output.line(f"    … and {len(content) - len(shown):,} more (`--files` lists all)")


def _print_copies(output: Output, shape: dict[str, Any]) -> None:
    copies = shape["copies"]
    if shape["md5"] is None and not shape.get("part"):
        return  # kept outside DVC, or broken
    cached = {True: "yes", False: "no", None: UNKNOWN}[copies["cache"]]
    pairs = [("work tree", copies["work_tree"] or "no"), ("cache", cached)]
    pairs += [("remote", f"{address} ({said})") for address, said in copies["remotes"].items()]
    _print_group(output, "copies", pairs)
