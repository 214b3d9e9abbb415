"""The table of all cases: what each is, and which rule must be named at which file."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.corpus.draft import Draft

Make = Callable[[Draft], None]


@dataclass(frozen=True)
class Case:
    """One submission.

    Parameters
    ----------
    name : str
        What it is, in words.
    make : callable
        Writes it.
    rules : tuple of str
        Of which one must be named; none if each will do.
    path : str
        The file that must be named.
    actor : str, optional
        Who submits.
    """

    name: str
    make: Make
    rules: tuple[str, ...] = ()
    path: str = ""
    actor: str | None = None


HOSTILE: dict[str, Case] = {}
HARMLESS: dict[str, Case] = {}


def hostile(rules: str, path: str, *, actor: str | None = None) -> Callable[[Make], Make]:
    """Say that a submission must be rejected by one of some rules (between spaces), at a file."""

    def add(make: Make) -> Make:
        _add(HOSTILE, Case(_name(make), make, tuple(rules.split()), path, actor))
        return make

    return add


def harmless(make: Make) -> Make:
    """Say that a submission must be accepted."""
    _add(HARMLESS, Case(_name(make), make))
    return make


def each(rules: str, path: str, variants: dict[str, Make]) -> None:
    """Add hostile cases that differ in little, with the names of the variants."""
    for name, make in variants.items():
        _add(HOSTILE, Case(name, make, tuple(rules.split()), path))


def unusual(variants: dict[str, Make]) -> None:
    """Add harmless cases that differ in little, with the names of the variants."""
    for name, make in variants.items():
        _add(HARMLESS, Case(name, make))


def _name(make: Make) -> str:
    return make.__name__.strip("_")


def _add(table: dict[str, Case], case: Case) -> None:
    assert case.name not in HOSTILE, case.name
    assert case.name not in HARMLESS, case.name
    table[case.name] = case
