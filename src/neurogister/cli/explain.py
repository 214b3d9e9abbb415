"""``neurogister explain``: what a rule is for, and how to keep it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ..model.rulebook import Rule, get_rule, rules
from .application import Application
from .options import JsonOption
from .options import command as common

FORMAT = "neurogister.explain/1"


def complete_rule(incomplete: str) -> list[str]:
    """Complete the id of a rule."""
    return [id_ for id_ in rules() if id_.startswith(incomplete)]


@common
def command(
    application: Application,
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RULE...", help="Which; without one, all are listed.",
            autocompletion=complete_rule, show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Explain the rules of `validate`: why they are there, and how to mend what breaks them."""
    wanted = [get_rule(id_) for id_ in ids or ()]
    if json:
        application.output.json_lines(
            {"format": FORMAT, **asdict(each)} for each in wanted or rules().values()
        )
    elif wanted:
        for number, rule in enumerate(wanted):
            _print(application, rule, after=number > 0)
    else:
        rows = [(rule.id, rule.severity, rule.title) for rule in rules().values()]
        application.output.table(("RULE", "SEVERITY", "TITLE"), rows, drop=("SEVERITY",))


def _print(application: Application, rule: Rule, *, after: bool) -> None:
    line = application.output.line
    if after:
        line()
    line(f"{rule.id} ({rule.severity}): {rule.title}")
    line(f"  why:   {rule.why}")
    line(f"  right: {rule.right}")
    line(f"  fix:   {rule.fix}")
    if rule.fixable:
        line("  `neurogister validate --fix` mends it in usual cases.")
