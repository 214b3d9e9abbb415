"""The group of all commands, each loaded when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

# name: (module, what it does); a module has a function `command`, or a group `application`
SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Find": {
        "list": ("list_", "List datasets, packages, vendors or collections."),
        "info": ("info", "Show the record, versions, files and copies of datasets."),
        "versions": ("versions", "List the versions of a dataset or package."),
        "diff": ("diff", "Show what changed between two versions."),
        "search": ("search", "Find datasets by words and by conditions on metadata."),
        "locate": ("locate", "Print where the copies of datasets are."),
        "cite": ("cite", "Cite datasets: as text, BibTeX or CFF."),
    },
    "Get": {
        "pull": ("pull", "Bring data here, each byte checked against its record."),
        "lock": ("lock", "Pin data in neurogister.lock, and keep it up to date."),
        "export": ("export", "Write what other programs read: lists of zip archives."),
        "verify": ("verify", "Check bytes on disk, in the cache or in a remote."),
        "manifest": ("manifest", "Print, or check, the size and digest of every file of a folder."),
    },
    "Add": {
        "deposit": ("deposit", "Deposit files: identifier, record, digests, remote, history."),
        "modify": ("modify", "Change what records say: metadata, title, licence, status."),
        "rename": ("rename", "Move a dataset to another place; its identifier stays."),
        "withdraw": ("withdraw", "Withdraw datasets, and leave a tombstone."),
        "dtype": ("dtype", "List the kinds of data, and add one."),
    },
    "Curate": {
        "vendor": ("vendor", "List vendors, add one, move one into a department."),
        "package": ("package", "Make packages of datasets, and release versions."),
    },
    "Review": {
        "validate": ("validate", "Check what a registry, or a pull request, must be like."),
        "explain": ("explain", "Explain the rules that validate checks."),
        "promote": ("promote", "Bring the bytes of merged submissions to the main remote."),
    },
    "Look after": {
        "init": ("init", "Make a registry, or make a DVC repository one."),
        "cache": ("cache", "List, shrink and check the cache."),
        "config": ("config", "Show and change settings."),
        "doctor": ("doctor", "Check that everything that is needed works here."),
    },
}

COMMANDS = {name: entry for section in SECTIONS.values() for name, entry in section.items()}


class CommandGroup(TyperGroup):
    """Knows its commands by name, and imports one only to run it."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the help."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Load a command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f".{COMMANDS[cmd_name][0]}", __package__)
        if hasattr(module, "application"):
            loaded = typer.main.get_command(module.application)
        else:
            alone = typer.Typer(rich_markup_mode=None, add_completion=False)
            alone.command(name=cmd_name)(module.command)
            loaded = typer.main.get_command(alone)
        loaded.name = cmd_name
        return loaded

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command, or suggest the nearest."""
        if args and args[0] not in COMMANDS and not ctx.resilient_parsing:
            import difflib  # only for the suggestion

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            if near:
                ctx.fail(f"No such command '{args[0]}': perhaps '{near[0]}'?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands by section, without loading any."""
        del ctx
        for section, commands in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(name, text) for name, (_, text) in commands.items()])
