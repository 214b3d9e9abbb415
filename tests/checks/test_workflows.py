"""The workflows are valid, and safe to run on a stranger's pull request."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from tests.docs.pages import read_blocks

import neurogister

REPOSITORY = Path(__file__).parents[2]
WORKFLOWS = REPOSITORY / ".github" / "workflows"
TEMPLATES = REPOSITORY / "src" / "neurogister" / "templates" / "registry"
WORKFLOW_FILES = sorted(
    [*WORKFLOWS.glob("*.yml"), *(TEMPLATES / "dot-github" / "workflows").glob("*.yml")]
)
ACTIONS = REPOSITORY / ".github" / "actions"
CONSUMER = REPOSITORY / "tests" / "consumer" / ".github" / "workflows" / "tests.yml"
PAGE = REPOSITORY / "docs" / "github-action.md"
ZIZMOR = (
    *("zizmor", "--offline", "--no-progress", "--strict-collection"),
    *("--persona", "auditor", "."),
)

BAD_WORKFLOW = """\
name: bad
on: pull_request_target
jobs:
  bad:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v7
      - run: echo "${{ github.event.pull_request.title }}"
"""


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("vendor.github-workflows", "workflows/*.yml"),
        ("custom.github-workflows-require-timeout", "workflows/*.yml"),
        ("vendor.github-actions", "actions/*/action.yml"),
        ("vendor.dependabot", "dependabot.yml"),
        ("vendor.github-issue-forms", "ISSUE_TEMPLATE/[!c]*.yml"),
        ("vendor.github-issue-config", "ISSUE_TEMPLATE/config.yml"),
    ],
)
def test_files_of_github_satisfy_their_schema(run, repository, schema, pattern):
    files = sorted(map(str, (repository / ".github").glob(pattern)))

    done = run("check-jsonschema", "--builtin-schema", schema, *files)

    assert files
    assert done.returncode == 0, done.stdout


def test_a_job_without_timeout_is_caught(run, tmp_path):
    workflow = tmp_path / "bad.yml"
    workflow.write_text(BAD_WORKFLOW, encoding="utf-8")

    done = run(
        *("check-jsonschema", "--builtin-schema", "custom.github-workflows-require-timeout"),
        str(workflow),
    )

    assert done.returncode == 1
    assert "timeout-minutes" in done.stdout


@pytest.fixture
def founded(tmp_path) -> Path:
    """The folder ``.github`` of a new registry, from its templates."""
    shutil.copytree(TEMPLATES / "dot-github", tmp_path / ".github")
    shutil.copyfile(TEMPLATES / "dot-pre-commit-config.yaml", tmp_path / ".pre-commit-config.yaml")
    return tmp_path


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("vendor.github-workflows", "workflows/*.yml"),
        ("custom.github-workflows-require-timeout", "workflows/*.yml"),
        ("vendor.dependabot", "dependabot.yml"),
        ("vendor.github-issue-forms", "ISSUE_TEMPLATE/[!c]*.yml"),
        ("vendor.github-issue-config", "ISSUE_TEMPLATE/config.yml"),
    ],
)
def test_files_of_new_registries_satisfy_their_schema(run, founded, schema, pattern):
    files = sorted(map(str, (founded / ".github").glob(pattern)))
    done = run("check-jsonschema", "--builtin-schema", schema, *files)
    assert files
    assert done.returncode == 0, done.stdout


def test_zizmor_finds_nothing_in_new_registries(run, founded):
    done = run(*ZIZMOR, cwd=founded)
    assert done.returncode == 0, done.stdout
    for name in ("validate", "promote", "archive-check"):
        assert f"workflows/{name}.yml" in done.stdout


@pytest.mark.parametrize("name", ["validate.yml", "promote.yml", "archive-check.yml"])
def test_new_registries_have_the_same_workflows_but_for_where_neurogister_is_from(name):
    ours = (WORKFLOWS / name).read_text(encoding="utf-8")
    theirs = (TEMPLATES / "dot-github" / "workflows" / name).read_text(encoding="utf-8")
    from_base = '--no-deps --no-build-isolation --no-index "./$TRUSTED"\n'
    from_pypi = (
        "--no-deps --only-binary :all:"
        ' --requirement "$TRUSTED/.github/requirements/neurogister.txt"\n'
    )
    assert ours.count(from_base) == 1
    expected = ours.replace(from_base, from_pypi)
    pages = r"https://neurogister.github.io/neurogister/\1/"
    assert theirs == re.sub(r"docs/(\w+)\.md", pages, expected)


@pytest.mark.parametrize(
    "name",
    [
        "ISSUE_TEMPLATE/config.yml", "ISSUE_TEMPLATE/dataset.yml", "ISSUE_TEMPLATE/withdrawal.yml",
        "PULL_REQUEST_TEMPLATE/dataset.md", "PULL_REQUEST_TEMPLATE/package.md",
    ],
)  # fmt: skip
def test_new_registries_have_the_same_forms(name):
    theirs = (TEMPLATES / "dot-github" / name).read_bytes()
    assert theirs == (REPOSITORY / ".github" / name).read_bytes()


def test_requirements_of_the_validator_are_pinned_by_digest():
    ours = _pinned(REPOSITORY / ".github" / "requirements" / "dependencies.txt")
    theirs = _pinned(TEMPLATES / "dot-github" / "requirements" / "dependencies.txt")
    assert theirs.items() <= ours.items()
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[^\w.-]", each)[0].replace(".", "-") for each in project["dependencies"]}
    assert needed <= theirs.keys(), "pip would refuse what is not among them"
    assert "hatchling" in ours.keys() - theirs.keys()


def test_new_registries_name_the_neurogister_that_they_are_made_by():
    text = (TEMPLATES / "dot-github/requirements/neurogister.txt").read_text(encoding="utf-8")
    assert f"\nneurogister=={neurogister.__version__}\n" in text
    hooks = (TEMPLATES / "dot-pre-commit-config.yaml").read_text(encoding="utf-8")
    assert f"rev: v{neurogister.__version__}\n" in hooks


def _pinned(path: Path) -> dict[str, str]:
    """Return the requirements of a file; each must have a version and a digest."""
    lines = [
        line for line in path.read_text(encoding="utf-8").replace("\\\n", "").splitlines()
        if not line.startswith("#")
    ]  # fmt: skip
    found = [re.fullmatch(r"([a-z0-9-]+)==(\S+) +--hash=(sha256:[0-9a-f]{64})", e) for e in lines]
    assert all(found), lines
    return {each[1]: each[2] + each[3] for each in found if each}


@pytest.mark.parametrize("path", WORKFLOW_FILES, ids=lambda path: path.name)
def test_what_a_pull_request_can_start_has_no_power(path):
    """No secret, no environment, no token that can write, no identity, no cache of others."""
    text = path.read_text(encoding="utf-8")
    workflow = YAML(typ="safe").load(text)
    privileged = {
        name for name, job in workflow["jobs"].items()
        if job.get("permissions") != {"contents": "read"} or "environment" in job
    }  # fmt: skip
    if {"pull_request", "merge_group"} & set(workflow["on"]):
        assert privileged == set()
        assert "secrets." not in text
        assert "secrets:" not in text
    for name in privileged:
        assert "actions/cache" not in str(workflow["jobs"][name]), "no cache with privileges"
        assert "environment" in workflow["jobs"][name], "a person says who may"


def test_promotion_is_never_cancelled_by_another():
    workflow = YAML(typ="safe").load(WORKFLOWS / "promote.yml")
    assert list(workflow["on"]) == ["push"]
    assert workflow["on"]["push"]["branches"] == ["main"]
    concurrency = workflow["concurrency"]
    assert concurrency == {"group": "promote-${{ github.sha }}", "cancel-in-progress": False}


@pytest.mark.parametrize("name", ["validate.yml", "promote.yml", "archive-check.yml"])
def test_what_reads_a_submission_runs_apart_from_it(name):
    """Python takes nothing from the folder that it is in, and pip only what has a digest."""
    [job] = YAML(typ="safe").load(WORKFLOWS / name)["jobs"].values()
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    assert not re.search(r"python\"?(?!/)(?= )(?! -I )", commands), commands
    assert "GITHUB_ENV" not in commands
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert "path" in step["with"], "nothing of the repository is in the working folder"


def test_zizmor_finds_nothing(run):
    done = run(*ZIZMOR)

    assert done.returncode == 0, done.stdout
    assert "actions/pull/action.yml" in done.stdout
    assert "workflows/tests.yml" in done.stdout


@pytest.fixture
def example(tmp_path) -> Path:
    """The workflow on the page of the action, as a file."""
    [block] = [each for each in read_blocks(PAGE, "yaml") if "jobs:" in each.text]
    path = tmp_path / ".github" / "workflows" / "tests.yml"
    path.parent.mkdir(parents=True)
    path.write_text(block.text, encoding="utf-8")
    return path


def test_the_example_of_the_action_is_valid_and_safe(run, example):
    for schema in ("vendor.github-workflows", "custom.github-workflows-require-timeout"):
        done = run("check-jsonschema", "--builtin-schema", schema, str(example))
        assert done.returncode == 0, done.stdout
    done = run(*ZIZMOR, cwd=example.parents[2])
    assert done.returncode == 0, done.stdout
    assert broken_rules(example.read_text(encoding="utf-8")) == []


def test_the_example_is_what_the_consumer_of_our_tests_uses(example):
    assert example.read_bytes() == CONSUMER.read_bytes()


@pytest.mark.parametrize(
    "path", sorted(ACTIONS.glob("*/action.yml")), ids=lambda path: path.parts[-2]
)
def test_an_action_follows_our_rules(path):
    assert broken_rules_of_action(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (" # v6.1.0", "", "actions by commit id, with their version"),
        ('"$python" -I -m venv', "${{ inputs.python }}", "no expression in a command"),
        ("shell: bash", "shell: pwsh", "bash in each step"),
        ('>> "$GITHUB_OUTPUT"', '>> "$GITHUB_ENV"', "nothing for the environment of later steps"),
    ],
)
def test_a_broken_rule_of_an_action_is_caught(old, new, rule):
    text = (ACTIONS / "pull" / "action.yml").read_text(encoding="utf-8")
    assert old in text

    assert rule in broken_rules_of_action(text.replace(old, new))


def test_zizmor_finds_a_dangerous_workflow(run, tmp_path):
    workflow = tmp_path / ".github" / "workflows" / "bad.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(BAD_WORKFLOW, encoding="utf-8")

    done = run(*ZIZMOR, cwd=tmp_path)

    assert done.returncode == 14
    for audit in ("dangerous-triggers", "template-injection", "unpinned-uses"):
        assert audit in done.stdout


@pytest.mark.parametrize("path", WORKFLOW_FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_workflow_follows_our_rules(path):
    assert broken_rules(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("permissions: {}", "permissions:\n  contents: read", "no permissions at the top"),
        ("pull_request:", "pull_request_target:", "no privileged trigger"),
        ("concurrency:", "env:", "concurrency"),
        ("ubuntu-24.04", "ubuntu-latest", "a fixed runner image"),
        (" # v7.0.1", "", "actions by commit id, with their version"),
        ("persist-credentials: false", "fetch-depth: 1", "no credentials kept"),
        ("hatch run check", "${{ github.ref }}", "no expression in a command"),
        ("timeout-minutes: 15", "continue-on-error: true", "a timeout"),
    ],
)
def test_a_broken_rule_is_caught(old, new, rule):
    text = (WORKFLOWS / "checks.yml").read_text(encoding="utf-8")
    assert old in text

    assert rule in broken_rules(text.replace(old, new))


def broken_rules(text: str) -> list[str]:
    """Return our own rules that a workflow breaks: those that zizmor does not know."""
    workflow = YAML(typ="safe").load(text)
    jobs = workflow["jobs"].values()
    steps = [step for job in jobs for step in job["steps"]]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    rules = {
        "no permissions at the top": workflow.get("permissions") == {},
        "no privileged trigger": not {"pull_request_target", "workflow_run", "issue_comment"}
        & set(workflow["on"]),
        "concurrency": "concurrency" in workflow,
        "an explicit shell": workflow.get("defaults", {}).get("run", {}).get("shell") == "bash",
        "a fixed runner image": not re.search(r"-latest\b|self-hosted", text),
        "a timeout": all("timeout-minutes" in job for job in jobs),
        "actions by commit id, with their version": _are_pinned(text),
        "no credentials kept": all(
            step.get("with", {}).get("persist-credentials") is False for step in checkouts
        ),
        "no expression in a command": not any("${{" in step.get("run", "") for step in steps),
    }
    return [rule for rule, kept in rules.items() if not kept]


def broken_rules_of_action(text: str) -> list[str]:
    """Return our own rules that a composite action breaks."""
    steps = YAML(typ="safe").load(text)["runs"]["steps"]
    commands = [step for step in steps if "run" in step]
    rules = {
        "actions by commit id, with their version": _are_pinned(text),
        "no expression in a command": not any("${{" in step["run"] for step in commands),
        "bash in each step": all(step["shell"] == "bash" for step in commands),
        "nothing for the environment of later steps": not re.search("GITHUB_(ENV|PATH)", text),
    }
    return [rule for rule, kept in rules.items() if not kept]


def _are_pinned(text: str) -> bool:
    uses = re.findall(r"uses: *(.*)", text)
    pinned = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    return all(pinned.fullmatch(use) for use in uses)
