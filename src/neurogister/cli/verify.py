"""``neurogister verify``: whether bytes are what the record says."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from ..actions.identify import identify, split_files
from ..actions.listing import everything
from ..actions.verify import ABSENT, BAD, MISSING, OK, UNKNOWN, Verdict, verify, verify_remote
from ..errors import IntegrityError, NetworkError, NeurogisterError, NotFoundError, SeveralErrors
from .application import Application
from .options import JobsOption, JsonOption, OptionalNamesArgument
from .options import command as common

FORMAT = "neurogister.verify/1"


@common
def command(
    application: Application,
    names: OptionalNamesArgument = None,
    remote: Annotated[
        bool, typer.Option("--remote", help="Read the bytes that the remotes have.")
    ] = False,
    from_remote: Annotated[
        str | None,
        typer.Option("--from", "-r", metavar="NAME", help="As --remote, of this DVC remote only."),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option("--into", "-o", metavar="DIR", help="Look where `pull -o DIR` delivered to."),
    ] = None,
    jobs: JobsOption = None,
    json: JsonOption = False,
) -> None:
    """Read data to its end, and compare every byte's digest with the record.

    Looks where `pull` delivers to (the work tree; of a remote registry, the current folder), else
    at the cache; with `--remote`, at what the remotes have. A NAME may also be any file on this
    machine: it is looked up by its content. Prints what is not right (`-v`: everything). Ends with
    4 if anything is wrong.
    """
    application.option(remote=from_remote, jobs=jobs)
    session, progress = application.session, application.progress
    if names:
        targets, files = split_files(session, names, cwd=Path.cwd())
    else:
        targets, files = everything(session, withdrawn=True), []
    if into is None and session.reader.worktree is None:
        into = Path.cwd()
    progress.start("Verifying", files=0, size=0)
    try:
        if remote or from_remote:
            verdicts = [*verify_remote(session, targets, progress=progress)]
        else:
            into = None if into is None else into.absolute()
            verdicts = [*verify(session, targets, into=into, progress=progress)]
            if not names:  # that nothing is left of what was withdrawn is as it should be
                gone = {each.item.name for each in targets if each.item.status == "withdrawn"}
                verdicts = [v for v in verdicts if v.status != ABSENT or v.name not in gone]
        verdicts += identify(session, files)
    finally:
        progress.finish()
    if json:
        application.output.json_lines(shape(verdict) for verdict in verdicts)
    else:
        every = application.settings.verbose > 0
        shown = [each for each in verdicts if every or _is_notable(each, named=bool(names))]
        application.output.table(
            ("status", "name", "where", "detail"),
            [(each.status, each.name, each.where, each.detail) for each in shown],
            cut=False,
        )
    progress.say(summary(verdicts))
    judge(verdicts, named=bool(names))


def _is_notable(verdict: Verdict, *, named: bool) -> bool:
    if verdict.status == ABSENT:
        return named
    return verdict.status != OK or verdict.detail is not None


def shape(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON."""
    return {"format": FORMAT, "name": verdict.name, "where": verdict.where,
            "status": verdict.status, "detail": verdict.detail}  # fmt: skip


def summary(verdicts: Iterable[Verdict]) -> str:
    """Count verdicts by status, in words."""
    counts: dict[str, int] = {}
    for verdict in verdicts:
        counts[verdict.status] = counts.get(verdict.status, 0) + 1
    return (
        ", ".join(f"{count:,} {status}" for status, count in counts.items()) or "nothing to verify"
    )


def judge(verdicts: list[Verdict], *, named: bool, repair: bool = True) -> None:
    """Raise what the verdicts amount to.

    Parameters
    ----------
    verdicts : list of Verdict
        All of them.
    named : bool
        Whether what is absent was asked for.
    repair : bool
        Whether a pull would mend it.

    Raises
    ------
    SeveralErrors, IntegrityError, NetworkError, NotFoundError
        If anything is wrong, could not be read, or (when it was named) is not here.
    """
    errors: list[NeurogisterError] = []
    for verdict in verdicts:
        text = f"{verdict.name}: {verdict.detail}"
        if verdict.status in BAD:
            errors.append(IntegrityError(text, hint=_hint(verdict) if repair else None))
        elif verdict.status == UNKNOWN:
            errors.append(verdict.error or NetworkError(text))
        elif verdict.status == ABSENT and named:
            errors.append(NotFoundError(text, hint=f"neurogister pull {verdict.name}"))
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise SeveralErrors(f"{len(errors)} of {len(verdicts)} are not as they should be", errors)


def _hint(verdict: Verdict) -> str | None:
    if verdict.where == "remote":
        return "Tell the maintainers of the registry: its remote is damaged."
    if verdict.name == verdict.where:
        return None  # a file that is no dataset by its place
    if verdict.status == MISSING:
        return "`neurogister pull` brings what is missing."
    return "`neurogister pull` brings the right bytes, with `--force` over files that you changed."
