"""The page of rules says what the rules say, and every rule can really be broken."""

import re
import runpy
from pathlib import Path

import neurogister
from neurogister.model.rulebook import rules

TOP = Path(__file__).parent.parent.parent


def test_the_page_is_made_of_the_rules():
    page = runpy.run_path(str(TOP / "scripts" / "write_rules_page.py"))["page"]()
    assert (TOP / "docs" / "rules.md").read_text("utf-8") == page


def test_every_rule_is_checked_somewhere():
    source = Path(neurogister.__file__).parent
    files = [*(source / "actions").rglob("*.py"), *(source / "model").glob("*.py")]
    code = "".join(path.read_text("utf-8") for path in files)
    named = set(re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)*)"', code))
    made = {f"id-{verb}" for verb in ("changed", "removed")}
    assert set(rules()) <= named | made
