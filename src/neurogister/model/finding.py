"""What a validation finds: a rule that a file breaks, and where; and all of it together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .contribution import Contribution

ERROR = "error"
WARNING = "warning"
UNJUDGED = "unjudged"
SEVERITIES = (ERROR, UNJUDGED, WARNING)
_OFFENDING = 200  # characters of a stranger's text that are worth showing


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule that is broken at one place.

    Parameters
    ----------
    rule : str
        Its id, as `rulebook` has it.
    path : str
        The file, from the top of the registry; empty if it is about the registry as a whole.
    message : str
        What is wrong, as a sentence without its end.
    severity : {'error', 'unjudged', 'warning'}
        An error makes a submission invalid; what is not judged might be one.
    line, column : int, optional
        Where in the file, counted from 1.
    offending : str, optional
        The text that breaks the rule; at most 200 characters of it.
    right : str, optional
        What would be right there.
    fix : str, optional
        How to mend it.
    fixable : bool
        Whether ``validate --fix`` mends it.
    """

    rule: str
    path: str
    message: str
    severity: str = ERROR
    line: int | None = None
    column: int | None = None
    offending: str | None = None
    right: str | None = None
    fix: str | None = None
    fixable: bool = False

    def as_mapping(self) -> dict[str, Any]:
        """Return all fields, those without a value too."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def shortened(value: object) -> str | None:
    """Return a stranger's value as text of bearable length; None of None."""
    if value is None:
        return None
    text = str(value)
    return text if len(text) <= _OFFENDING else f"{text[: _OFFENDING - 1]}…"


@dataclass(slots=True)
class Report:
    """What a validation found.

    Parameters
    ----------
    findings : list of Finding
        By path, line and rule.
    base, head : str, optional
        The commits that were compared; no `head` for a work tree with changes.
    checked : int
        How many files were looked at.
    fixed : list of str
        The files that ``--fix`` has mended.
    submitted : list of Contribution
        The datasets and packages that it is about; where that is asked for.
    others : list of str
        Other files that it is about; where that is asked for.
    """

    findings: list[Finding] = field(default_factory=list)
    base: str | None = None
    head: str | None = None
    checked: int = 0
    fixed: list[str] = field(default_factory=list)
    submitted: list[Contribution] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    @property
    def errors(self) -> list[Finding]:
        """What makes it invalid."""
        return [each for each in self.findings if each.severity == ERROR]

    @property
    def warnings(self) -> list[Finding]:
        """What somebody should look at."""
        return [each for each in self.findings if each.severity == WARNING]

    @property
    def unjudged(self) -> list[Finding]:
        """What could not be judged."""
        return [each for each in self.findings if each.severity == UNJUDGED]

    @property
    def status(self) -> int:
        """The exit status: 0 valid, 1 problems found, 2 could not judge."""
        if self.errors:
            return 1
        return 2 if self.unjudged else 0


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by place, each once."""
    unique = dict.fromkeys(findings)
    return sorted(unique, key=lambda each: (each.path, each.line or 0, each.column or 0, each.rule))
