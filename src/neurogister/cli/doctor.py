"""``neurogister doctor``: does everything work here."""

from __future__ import annotations

from ..actions.doctor import OK, PROBLEM, CheckResult, examine
from .application import Application
from .options import JsonOption
from .options import command as common

FORMAT = "neurogister.doctor/1"


@common
def command(application: Application, json: JsonOption = False) -> None:
    """Check git, caches, links, the registry and its remotes. Ends with 1 if there is a problem."""
    findings = []
    for each in examine(application.settings, lambda: application.session):
        findings.append(each)
        if json:
            application.output.json_lines([_shape(each)])
        else:
            application.output.line(f"{each.status:<8} {each.check:<18} {each.detail}")
            if each.hint and each.status != OK:
                application.output.line(f"{'':<27} {each.hint}")
        application.output.flush()
    if any(each.status == PROBLEM for each in findings):
        application.exit(1)


def _shape(result: CheckResult) -> dict[str, str | None]:
    return {"format": FORMAT, "check": result.check, "status": result.status,
            "detail": result.detail, "hint": result.hint}  # fmt: skip
