"""Write docs/rules.md from the rules that neurogister knows."""

from pathlib import Path

from neurogister.model.rulebook import Rule, rules

PAGE = Path(__file__).parent.parent / "docs" / "rules.md"
_HEAD = """\
# Rules

What [`neurogister validate`](validate.md) checks. `neurogister explain RULE` prints the same. This
page is made by `python scripts/write_rules_page.py`.
"""


def page() -> str:
    """Return the page."""
    return _HEAD + "".join(map(_section, rules().values()))


def _section(rule: Rule) -> str:
    severity = "" if rule.severity == "error" else f" ({rule.severity})"
    mended = "- `--fix` mends it, in usual cases\n" if rule.fixable else ""
    return (
        f"\n## {rule.id}\n\n**{rule.title}**{severity}. {rule.why}\n\n"
        f"- right: {rule.right}\n- fix: {rule.fix}\n{mended}"
    )


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
