"""What validation finds in a registry that a test has changed."""

from pathlib import Path

import neurogister
from neurogister.model.finding import Finding


def judge(root: Path, base: str | None = None, **options: object) -> list[Finding]:
    """Validate, and return what was found."""
    with neurogister.open(root) as registry:
        return registry.validate(base, **options).findings  # type: ignore[arg-type]


def rules(root: Path, base: str | None = None, **options: object) -> set[str]:
    """Validate, and return the rules that are broken."""
    return {each.rule for each in judge(root, base, **options)}


def one(found: list[Finding], rule: str) -> Finding:
    """Return the only finding by a rule."""
    (finding,) = [each for each in found if each.rule == rule]
    return finding
