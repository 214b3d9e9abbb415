"""Every rule says all that `neurogister explain` prints, and is used."""

import re
from pathlib import Path

import pytest

import neurogister
from neurogister.errors import NotFoundError
from neurogister.model.finding import SEVERITIES
from neurogister.model.rulebook import Rule, get_rule, rules

_SOURCE = Path(neurogister.__file__).parent


@pytest.mark.parametrize("rule", rules().values(), ids=rules())
def test_rule_is_complete(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", rule.id)
    assert rule.severity in SEVERITIES
    for text in (rule.title, rule.why, rule.right, rule.fix):
        assert text == text.strip()
        assert text.isprintable()
    assert not rule.title.endswith(".")
    assert rule.why.endswith((".", ".)"))


def test_every_rule_is_used() -> None:
    code = "".join(path.read_text("utf-8") for path in _SOURCE.rglob("*.py"))
    unused = [id_ for id_ in rules() if f'"{id_}"' not in code]

    assert [id_ for id_ in unused if not re.fullmatch(r"id-(changed|removed)", id_)] == []


def test_unknown_rule_suggests_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="there is no rule 'id-takn'") as caught:
        get_rule("id-takn")
    assert "id-taken" in str(caught.value.hint)
