"""``neurogister validate``: everything that is wrong, each with its place and how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ..actions.validate import fix, validate
from ..errors import UsageError
from ..files import write_whole
from ..model.finding import Finding, Report
from .application import Application
from .errors import WOULD_CHANGE
from .options import DryRunOption, JsonOption
from .options import command as common
from .output import counted

FORMAT = "neurogister.validate/1"


class Form(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


class Scope(StrEnum):
    """Whose submission it is."""

    CONTRIBUTOR = "contributor"
    MAINTAINER = "maintainer"


@common
def command(
    application: Application,
    base: Annotated[
        str | None,
        typer.Option(
            "--base", metavar="REV",
            help="What it is to be merged into: only what has changed since is validated.",
        ),
    ] = None,
    staged: Annotated[
        bool, typer.Option("--staged", help="Validate what is staged, as a commit hook does.")
    ] = False,
    actor: Annotated[
        str | None,
        typer.Option("--actor", metavar="LOGIN", help="Who submits, for what only some may do."),
    ] = None,
    scope: Annotated[
        Scope | None,
        typer.Option(
            "--scope", show_default=False,
            help="What may be touched: a contributor's data/ and store/ (with --base), or all.",
        ),
    ] = None,
    remote: Annotated[
        bool,
        typer.Option("--remote", help="Look for the bytes of new data, in the remote and staging."),
    ] = False,
    staging: Annotated[
        list[str] | None,
        typer.Option(
            "--staging", metavar="PLACE", show_default=False,
            help="Where bytes wait: a remote, an address, a folder, a zip file. Implies --remote.",
        ),
    ] = None,
    form: Annotated[
        Form, typer.Option("--format", help="How findings are printed.")
    ] = Form.TEXT,
    mend: Annotated[
        bool, typer.Option("--fix", help="Mend the form of files in the work tree first.")
    ] = False,
    dry_run: DryRunOption = False,
    summary: Annotated[
        Path | None,
        typer.Option("--summary", metavar="FILE",
                     help="Write for reviewers what is added, changed, removed and wrong."),
    ] = None,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Check everything that a registry, or a pull request to it, must be like.

    Ends with 0 if it is valid, 1 if problems were found, 2 if something could not be judged.
    `neurogister explain RULE` tells more of a rule.
    """
    if json and form not in (Form.TEXT, Form.JSON):
        raise UsageError(f"--json and --format {form.value} contradict each other")
    if (dry_run and not mend) or (mend and staged):
        raise UsageError("--dry-run is for --fix, and --fix for the work tree, not for --staged")
    options: dict[str, Any] = {
        "base": base, "actor": actor, "scope": scope.value if scope else None, "remote": remote,
        "staging": staging or (), "progress": application.progress,
        "contents": summary is not None,
    }  # fmt: skip
    if mend:
        report = fix(application.session, dry_run=dry_run, **options)
    else:
        report = validate(application.session, staged=staged, **options)
    if summary is not None:
        _write(summary, report)
    _print(application, report, Form.JSON if json else form)
    for path in report.fixed:
        application.progress.say(f"{'would mend' if dry_run else 'mended'} {path}")
    application.progress.say(_summary(report))
    if dry_run and report.fixed:
        application.exit(WOULD_CHANGE)
    if report.status:
        application.exit(report.status)


def _write(path: Path, report: Report) -> None:
    from ..model.summary import markdown

    write_whole(path, markdown(report).encode())


def print_findings(application: Application, report: Report, *, json: bool) -> None:
    """Print what a validation found, for commands that validate besides."""
    _print(application, report, Form.JSON if json else Form.TEXT)
    application.progress.say(_summary(report))


def _print(application: Application, report: Report, form: Form) -> None:
    output = application.output
    if form is Form.JSON:
        output.json_lines({"format": FORMAT, **each.as_mapping()} for each in report.findings)
    elif form is Form.GITHUB:
        from ..model.findingformats import github_lines

        for line in github_lines(report.findings):
            output.line(line)
    elif form is Form.SARIF:
        from .. import __version__
        from ..model.findingformats import sarif

        output.json(sarif(report, version=__version__))
    else:
        for each in report.findings:
            _print_text(application, each)


def _print_text(application: Application, each: Finding) -> None:
    place = ":".join(str(part) for part in (each.path, each.line, each.column) if part)
    line = _obeyed_by_nobody(application.output.line)
    line(f"{place or 'registry'}: {each.severity}: {each.message} [{each.rule}]")
    if each.offending:
        line(f"    found: {each.offending}")
    line(f"    right: {each.right}")
    line(f"    fix:   {each.fix}")


def _obeyed_by_nobody(line: Callable[[str], None]) -> Callable[[str], None]:
    """Print lines that are no commands to a workflow, whatever a file is called."""

    def harmless(text: str) -> None:
        text = text.replace("##[", "##\\u005b")
        line(f"./{text}" if text.startswith("::") else text)

    return harmless


def _summary(report: Report) -> str:
    checked = counted(report.checked, "file")
    if not report.findings:
        return f"valid: {checked} checked"
    parts = [
        counted(len(found), what)
        for what, found in (("problem", report.errors), ("warning", report.warnings))
        if found
    ]
    if report.unjudged:
        parts.append(f"{len(report.unjudged)} not judged")
    return f"{', '.join(parts)}; {checked} checked"
