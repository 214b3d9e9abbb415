"""The page of the GitHub Action names what the action takes and gives."""

import re

import pytest
from ruamel.yaml import YAML

from .pages import DOCS, REPOSITORY, text_of

ACTION = REPOSITORY / ".github" / "actions" / "pull" / "action.yml"


@pytest.fixture
def action():
    return YAML(typ="safe").load(ACTION)


def table(heading: str) -> list[list[str]]:
    """Return the rows of the table below a heading."""
    section = text_of(DOCS / "github-action.md").split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split("|") for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in row] for row in rows]


def test_each_input_is_told_with_its_default(action):
    told = {name: default for name, default, *_ in table("Inputs")}

    assert told == {name: each["default"] for name, each in action["inputs"].items()}


def test_each_output_is_told(action):
    assert [row[0] for row in table("Outputs")] == [*action["outputs"]]


def test_each_output_has_a_step_that_gives_it(action):
    ids = {step.get("id") for step in action["runs"]["steps"]}
    for output in action["outputs"].values():
        [step] = re.findall(r"^\$\{\{ steps\.([\w-]+)\.outputs\.[\w-]+ \}\}$", output["value"])
        assert step in ids
