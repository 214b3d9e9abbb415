"""``neurogister versions``: the ledger of a dataset or package."""

from __future__ import annotations

from ..actions.versions import list_versions
from .application import Application
from .options import JsonOption, NameArgument
from .options import command as common
from .output import human_size

FORMAT = "neurogister.versions/1"


@common
def command(application: Application, name: NameArgument, json: JsonOption = False) -> None:
    """List the versions of a dataset or package, oldest first.

    They stand in its ledger; those of old pointers without one are counted from git's history.
    """
    item = application.resolve_one(name).item
    versions = list_versions(application.session, item)
    if json:
        application.output.json(
            {"format": FORMAT, "name": item.name,
             "versions": [each.as_mapping() for each in versions]}
        )  # fmt: skip
        return
    human = application.output.is_terminal
    rows = [
        (each.version, each.date, human_size(each.size) if human else each.size, each.nfiles,
         each.md5, each.by, each.note)
        for each in versions
    ]  # fmt: skip
    application.output.table(
        ("version", "date", "size", "files", "md5", "by", "note"),
        rows,
        right=("version", "size", "files"),
        drop=("md5", "files", "by", "note", "size"),
    )
    if not rows:
        application.progress.say(f"{item.name} has no versions yet")
