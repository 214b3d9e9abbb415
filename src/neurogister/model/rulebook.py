"""The rules of a registry, each with its reason: what ``neurogister explain`` prints.

They stand in ``rules.toml`` beside this file, one table a rule. `why` says what would happen
without it, `right` what is allowed, `fix` how to mend a file that breaks it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    Parameters
    ----------
    id : str
        Its stable name: lower-case words with dashes.
    title : str
        The rule, as a sentence without its end.
    why : str
        What could happen without it.
    right : str
        What is allowed.
    fix : str
        How to mend a file that breaks it.
    severity : {'error', 'warning'}
    fixable : bool
        Whether ``validate --fix`` mends it, at least in usual cases.
    """

    id: str
    title: str
    why: str
    right: str
    fix: str
    severity: str = "error"
    fixable: bool = False


@cache
def rules() -> dict[str, Rule]:
    """Return all rules by their ids, in the order of the file."""
    text = Path(__file__).with_name("rules.toml").read_text("utf-8")
    return {id_: Rule(id=id_, **fields) for id_, fields in tomllib.loads(text).items()}


def get_rule(id_: str) -> Rule:
    """Return a rule by its id.

    Raises
    ------
    NotFoundError
        If there is none; the nearest ones are suggested.
    """
    found = rules().get(id_)
    if found is None:
        import difflib  # only for the suggestion

        near = difflib.get_close_matches(id_, rules(), 3)
        raise NotFoundError(
            f"there is no rule {id_[:60]!a}",
            hint=f"Perhaps {' or '.join(near)}?" if near else "`neurogister explain` lists them.",
        )
    return found
