"""Findings in the forms that other programs read: GitHub's annotations, and SARIF.

Sources: GitHub Docs, "Workflow commands for GitHub Actions"; OASIS, "Static Analysis Results
Interchange Format (SARIF) Version 2.1.0".
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from .finding import ERROR, WARNING, Finding, Report
from .rulebook import rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_URL = "https://neurogister.github.io/neurogister/rules/"
_LEVELS = {ERROR: "error", WARNING: "warning"}
_OBEYED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # invisible, or another line
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def github_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """Write findings as annotations of GitHub, a workflow command a line.

    Whatever a stranger wrote is escaped, so that it can neither end the line nor be a command.
    """
    for each in findings:
        level = "warning" if each.severity == WARNING else "error"
        properties = {
            "file": each.path,
            "line": each.line,
            "col": each.column,
            "title": f"neurogister: {each.rule}",
        }
        said = ",".join(
            f"{name}={_escaped(str(value), ',:')}" for name, value in properties.items() if value
        )
        yield f"::{level} {said}::{_escaped(_text(each), '')}"


def _text(each: Finding) -> str:
    lines = [each.message]
    if each.offending:
        lines.append(f"found: {each.offending}")
    lines += [f"right: {each.right}", f"fix: {each.fix}"]
    return "\n".join(lines)


def _escaped(text: str, more: str) -> str:
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    text = text.replace("##[", "##\\u005b")  # the older form of a command, anywhere in a line
    return "".join(
        each if unicodedata.category(each) not in _OBEYED else f"\\u{ord(each):04x}"
        for each in text
    )


def sarif(report: Report, *, version: str) -> dict[str, Any]:
    """Return a report as a SARIF log, for code scanning and editors.

    Parameters
    ----------
    report : Report
        What was found.
    version : str
        Of neurogister.
    """
    known = rules()
    used = [known[id_] for id_ in dict.fromkeys(each.rule for each in report.findings)]
    numbers = {rule.id: number for number, rule in enumerate(used)}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "neurogister",
                        "version": version,
                        "informationUri": _URL,
                        "rules": [
                            {
                                "id": rule.id,
                                "shortDescription": {"text": rule.title},
                                "fullDescription": {"text": rule.why},
                                "help": {"text": f"Right: {rule.right}\nFix: {rule.fix}"},
                                "helpUri": f"{_URL}#{rule.id}",
                            }
                            for rule in used
                        ],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(each, numbers[each.rule]) for each in report.findings],
            }
        ],
    }


def _result(each: Finding, number: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": each.rule,
        "ruleIndex": number,
        "level": _LEVELS.get(each.severity, "error"),
        "message": {"text": _text(each)},
    }
    if each.path:
        from urllib.parse import quote  # only here

        place: dict[str, Any] = {
            "artifactLocation": {"uri": quote(each.path, errors="surrogateescape")}
        }
        if each.line:
            place["region"] = {"startLine": each.line, **_column(each)}
        result["locations"] = [{"physicalLocation": place}]
    return result


def _column(each: Finding) -> dict[str, int]:
    return {"startColumn": each.column} if each.column else {}
