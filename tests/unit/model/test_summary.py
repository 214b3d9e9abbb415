"""The page for reviewers: what strangers wrote is shown, and means nothing."""

import html
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.model.contribution import Contribution
from neurogister.model.finding import Finding, Report
from neurogister.model.summary import markdown, safe

TEXT = st.text(max_size=60)


@given(TEXT)
def test_nothing_in_a_text_can_be_markup(text):
    shown = safe(text)
    assert re.fullmatch(r"(<code>(\w| |&#\d+;|…)*</code>)?", shown), shown
    inner = html.unescape(shown.removeprefix("<code>").removesuffix("</code>"))
    plain = [each for each in text if unicodedata.category(each)[0] != "C"]
    shown_plain = iter(inner)
    assert all(each in shown_plain for each in plain), "nothing is lost, and the order is kept"


@pytest.mark.parametrize(
    "text",
    ["@org/team", "a@b.org", "![x](http://x)", "a|b", "`x`", "<b>", "\n::set-env::", "#12", "\x1b"],
)
def test_a_dangerous_text_is_harmless(text):
    shown = safe(text)
    inner = shown.removeprefix("<code>").removesuffix("</code>")
    assert not set(inner) & set("@|`<>[]()!:/\n\x1b*_~"), shown
    assert not re.search(r"@\w", html.unescape(inner))


def test_long_texts_and_long_tables_are_cut():
    assert len(html.unescape(safe("x" * 5000))) < 150
    findings = [Finding(rule="r", path=f"data/{n}", message="wrong") for n in range(5000)]
    page = markdown(Report(findings=findings, checked=5000))
    assert page.count("wrong") == 201, "and in a heading"
    assert "… and 4,800 more" in page
    assert "| error | r | 5,000 |" in page


def test_the_page_tells_what_is_added_and_what_is_wrong():
    report = Report(
        findings=[Finding(rule="schema", path="data/a/b.dvc", line=3, message="bad", fix="mend")],
        checked=3,
        submitted=[
            Contribution(
                kind="dataset", change="added", name="a/b", id="b", size=1000, dtype="dwi"
            ),
            Contribution(kind="dataset", change="removed", name="a/c", size=5, nfiles=2),
            Contribution(kind="package", change="changed", name="lab/p", version="1.0.0", nfiles=7),
        ],
        others=["README.md"],
    )
    page = html.unescape(re.sub("</?code>", "", markdown(report)))
    assert page.startswith("## neurogister: problems found (files checked: 3)\n")
    assert "| data/a/b.dvc:3 | schema | bad | mend |" in page
    assert "### Datasets: 1 added, 1 removed" in page
    assert "All that is added or changed has 1,000 bytes; number of files: 1." in page
    assert "| added | a/b | b |  | 1,000 |  |  | dwi |  |" in page
    assert "### Packages: 1 changed" in page
    assert "### Other files: 1" in page


@pytest.mark.parametrize(
    ("severity", "said"), [("error", "problems found"), ("unjudged", "could not be judged")]
)
def test_the_verdict(severity, said):
    found = Finding(rule="r", path="p", message="m", severity=severity)
    assert said in markdown(Report(findings=[found])).splitlines()[0]
    assert "valid" in markdown(Report()).splitlines()[0]


def test_a_page_is_never_larger_than_github_shows():
    hostile = "|" * 5000
    findings = [
        Finding(rule="r", path=f"{n}{hostile}", message=hostile, fix=hostile) for n in range(2000)
    ]
    item = Contribution(
        kind="dataset", change="added", name=hostile, id=hostile, title=hostile, license=hostile
    )
    page = markdown(Report(findings=findings, submitted=[item] * 2000, others=[hostile] * 2000))
    assert 10_000 < len(page.encode()) <= 1_000_000
    assert "… and 1,950 more" in page
