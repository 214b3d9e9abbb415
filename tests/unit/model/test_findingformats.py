"""What other programs read: nothing that a stranger wrote gets out of its place."""

import json
import re
import unicodedata
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from neurogister.model.finding import Finding, Report, in_order, shortened
from neurogister.model.findingformats import github_lines, sarif
from neurogister.model.rulebook import rules

_STRANGE = st.text(
    st.one_of(st.sampled_from("%:,\r\n\x1b\u202e\u2028\u0085#[]\ud800\ufeff\0"), st.characters()),
    max_size=40,
) | st.sampled_from(["::add-mask::x", "%0A::error::x", "\n::set-output name=a::b", "##[add-mask]x"])
_FINDINGS = st.builds(
    Finding,
    rule=st.sampled_from(list(rules())),
    path=_STRANGE,
    message=_STRANGE,
    severity=st.sampled_from(["error", "warning", "unjudged"]),
    line=st.none() | st.integers(1, 9),
    column=st.none() | st.integers(1, 9),
    offending=st.none() | _STRANGE,
    right=_STRANGE,
    fix=_STRANGE,
)
_LINE = re.compile(r"::(error|warning) ([^:]*)::(.*)", re.ASCII)


@given(_FINDINGS)
def test_annotation_is_one_command_that_cannot_be_left(finding: Finding) -> None:
    [line] = github_lines([finding])

    assert "##[" not in line
    assert not [
        each for each in line if unicodedata.category(each) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    ]
    found = _LINE.fullmatch(line)
    assert found
    properties = dict(each.split("=", 1) for each in found[2].split(","))
    assert set(properties) <= {"file", "line", "col", "title"}
    assert properties["title"] == f"neurogister%3A {finding.rule}"
    assert properties.get("line") == (str(finding.line) if finding.line else None)


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1))
def test_annotation_keeps_what_is_harmless(text: str) -> None:
    [line] = github_lines([Finding(rule="yaml", path="data/x", message=text, right="r", fix="f")])
    message = line.partition(" ")[2].partition("::")[2]

    assert unquote(message).replace("##\\u005b", "##[").startswith(text) or "%" in text


@given(st.lists(_FINDINGS, max_size=4))
def test_sarif_is_complete(findings: list[Finding]) -> None:
    log = sarif(Report(findings=findings), version="1.0")

    assert json.loads(json.dumps(log)) == log
    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "neurogister"
    assert len({each["id"] for each in driver["rules"]}) == len(driver["rules"])
    assert len(run["results"]) == len(findings)
    for result, finding in zip(run["results"], findings, strict=True):
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == finding.rule
        assert result["level"] in {"error", "warning", "note", "none"}
        assert result["message"]["text"]
        for location in result.get("locations", ()):
            place = location["physicalLocation"]
            assert re.fullmatch(r"[A-Za-z0-9_.~/%-]+", place["artifactLocation"]["uri"])
            assert place.get("region", {"startLine": 1})["startLine"] >= 1


@given(st.lists(_FINDINGS, max_size=6))
def test_findings_have_an_order_of_their_own(findings: list[Finding]) -> None:
    assert in_order(findings) == in_order(in_order(findings * 2))


@given(st.text(max_size=400))
def test_shortened(text: str) -> None:
    said = shortened(text)
    assert said is not None
    assert len(said) <= 200
    assert said == text or (text.startswith(said[:-1]) and said.endswith("…"))
