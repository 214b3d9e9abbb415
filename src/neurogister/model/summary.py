"""A validation as a page of Markdown, for those who review a submission.

Nothing that a stranger wrote can be markup there: each of its characters that could be is written
as an entity, inside of a ``code`` element, in which GitHub makes neither mentions nor references.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from .contribution import ADDED, CHANGED, DATASET, PACKAGE, REMOVED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .contribution import Contribution
    from .finding import Finding, Report

_ROWS = (200, 50, 10)  # of a table, as many as fit
_LIMIT = 1_000_000  # bytes; GitHub shows a summary of up to 1 MiB
_LONGEST = 120
_HEADS = {ADDED: "added", CHANGED: "changed", REMOVED: "removed"}
_NOT_JOINED = "&#8204;"  # a zero-width non-joiner: what follows an @ is no name then


def markdown(report: Report) -> str:
    """Write a report for reviewers: verdict, problems by rule, what is added, changed, removed.

    Parameters
    ----------
    report : Report
        With what the submission is about (`Report.submitted`).
    """
    pages = (_page(report, rows) for rows in _ROWS)
    return next((page for page in pages if len(page) <= _LIMIT), _page(report, 0))


def _page(report: Report, rows: int) -> str:
    blocks = [
        f"## neurogister: {_verdict(report)}",
        *_problems(report, rows),
        *_about(report, DATASET, "Datasets", rows),
        *_about(report, PACKAGE, "Packages", rows),
        *_others(report.others, rows),
    ]
    return "\n\n".join(blocks) + "\n"


def safe(text: object, *, longest: int = _LONGEST) -> str:
    """Return a stranger's text as Markdown that shows it, and means nothing else."""
    text = str(text)
    if len(text) > longest:
        text = f"{text[: longest - 1]}…"
    return f"<code>{''.join(map(_entity, text))}</code>" if text else ""


def _entity(character: str) -> str:
    if character == " " or character.isalnum():
        return character
    if unicodedata.category(character)[0] == "C":
        return f"&#92;u{ord(character):04x}"
    return f"&#{ord(character)};{_NOT_JOINED if character == '@' else ''}"


def _verdict(report: Report) -> str:
    words = {0: "valid", 1: "problems found", 2: "could not be judged"}
    return f"{words[report.status]} (files checked: {report.checked:,})"


def _problems(report: Report, most: int) -> Iterator[str]:
    if not report.findings:
        return
    counts: dict[tuple[str, str], int] = {}
    for each in report.findings:
        counts[each.severity, each.rule] = counts.get((each.severity, each.rule), 0) + 1
    yield "### By rule"
    rows = [(severity, rule, f"{count:,}") for (severity, rule), count in sorted(counts.items())]
    yield _table(("severity", "rule", "findings"), rows, max(_ROWS))
    yield "### Findings"
    heads = ("where", "rule", "what is wrong", "how to mend it")
    yield _table(heads, map(_row, report.findings), most)


def _row(each: Finding) -> tuple[str, ...]:
    place = ":".join(str(part) for part in (each.path or "registry", each.line) if part)
    return (
        safe(place),
        each.rule,
        safe(each.message, longest=300),
        safe(each.fix or "", longest=300),
    )


def _about(report: Report, kind: str, title: str, most: int) -> Iterator[str]:
    items = [each for each in report.submitted if each.kind == kind]
    if not items:
        return
    counts = [
        f"{sum(each.change == change for each in items):,} {word}"
        for change, word in _HEADS.items()
        if any(each.change == change for each in items)
    ]
    there = [each for each in items if each.change != REMOVED]
    files = sum(1 if each.nfiles is None else each.nfiles for each in there)
    total = sum(each.size or 0 for each in there)
    yield f"### {title}: {', '.join(counts)}"
    yield f"All that is added or changed has {total:,} bytes; number of files: {files:,}."
    yield _table(
        ("change", "name", "id", "version", "bytes", "files", "licence", "dtype", "title"),
        map(_cells, items),
        most,
    )


def _cells(each: Contribution) -> tuple[str, ...]:
    name, id_, version, license_, dtype, title = (
        safe("" if text is None else text)
        for text in (each.name, each.id, each.version, each.license, each.dtype, each.title)
    )
    size = "" if each.size is None else f"{each.size:,}"
    nfiles = "" if each.nfiles is None else f"{each.nfiles:,}"
    return each.change, name, id_, version, size, nfiles, license_, dtype, title


def _others(paths: Sequence[str], most: int) -> Iterator[str]:
    if paths:
        yield f"### Other files: {len(paths):,}"
        yield _table(("file",), [(safe(path),) for path in paths], most)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], most: int) -> str:
    lines = [" | ".join(("", *row, "")).strip() for row in rows]
    more = len(lines) - most
    ruler = f"|{' --- |' * len(heads)}"
    table = "\n".join([f"| {' | '.join(heads)} |", ruler, *lines[:most]])
    return f"{table}\n\n… and {more:,} more" if more > 0 else table
