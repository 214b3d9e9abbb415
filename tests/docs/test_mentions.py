"""Nothing is left out: every command, option, setting, format, error and link."""

import inspect
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any

import pytest
import typer

import neurogister
from neurogister import errors, progress
from neurogister.backends import dvcoptions
from neurogister.cli import errors as cli_errors
from neurogister.cli.application import application
from neurogister.cli.group import COMMANDS
from neurogister.settings import NAMES, PREFIX

from .pages import DOCS, PAGES, REPOSITORY, all_docs, text_of

SOURCE = REPOSITORY / "src" / "neurogister"


@cache
def source_of(*folders: str) -> str:
    """Return the source below some folders as one text."""
    paths = sorted(path for folder in folders or ("",) for path in (SOURCE / folder).rglob("*.py"))
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


# The command line


def commands() -> Iterator[tuple[str, Any]]:
    """Give every command with its full name, the root too."""
    root = typer.main.get_command(application)
    context = typer.Context(root, info_name="neurogister")
    yield "neurogister", root
    for name in COMMANDS:
        command = root.get_command(context, name)
        yield f"neurogister {name}", command
        for below in getattr(command, "commands", {}).values():
            yield f"neurogister {name} {below.name}", below


OPTIONS = sorted(
    {
        (name, option)
        for name, command in commands()
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("-")
    }
)


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_each_command_is_told(name):
    words = name.removeprefix("neurogister ")

    assert f"`{words}" in all_docs() or f"neurogister {words}" in all_docs()


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_each_option_is_told(command, option):
    del command

    assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", all_docs())


def test_no_option_is_told_that_there_is_not():
    known = {option for _, option in OPTIONS}
    # Programs of others, in examples and hints.
    others = {
        "--cached",
        "--global",
        "--local",
        "--add",
        "--bare",
        "--oneline",
        "--all",
        "--profile",
        "--quiet",
    }
    others |= {"--neurogister-offline", "--neurogister-lockfile"}  # of pytest, from our plugin
    others |= {"--schemafile"}  # of check-jsonschema
    others |= {"--message", "--short", "--list", "--help", "--stat", "--format", "--no-pager"}
    others |= {"--generate-hashes", "--hash"}  # of uv, and in requirements
    pages = [page for page in PAGES if page.name not in ("benchmarks.md", "README.md")]
    told = {
        option for page in pages for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", text_of(page))
    }

    assert told - known - others == set()


# Settings, formats, statuses, errors


@pytest.mark.parametrize("name", NAMES)
def test_each_setting_has_its_row(name):
    page = text_of(DOCS / "configuration.md")

    assert re.search(rf"^\| `{name}` \|.*`{PREFIX}{name.upper()}`", page, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"neurogister\.\w+/\d+", source_of("cli")))))
def test_each_format_of_json_is_told(name):
    page = text_of(DOCS / "json.md")

    assert f"[`{name}`]" in page
    assert f'"format": "{name}"' in page


def test_each_exit_status_is_told():
    page = text_of(DOCS / "json.md").partition("## Exit statuses")[2]
    told = {int(number) for number in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    known = {*cli_errors.STATUS.values(), cli_errors.WOULD_CHANGE, cli_errors.INTERRUPTED}

    assert told == {0, 1, *known}


def test_each_kind_of_error_is_told_with_its_code():
    page = text_of(DOCS / "python.md")
    kinds = [kind for kind in vars(errors).values() if inspect.isclass(kind)]
    rows = {
        (kind.__name__, kind.code)
        for kind in kinds
        if issubclass(kind, errors.NeurogisterError) and kind is not errors.NeurogisterError
    }

    assert set(re.findall(r"^\| `(\w+Errors?)` \|.*?\| `([\w-]+)` \|", page, re.MULTILINE)) == rows


# What JSON really has

FOLDER = "data/nibabel-examples/tractograms"
QUESTIONS = {
    "list": [
        "list --json",
        "list --json --packages",
        "list --json --vendors",
        "list --json --collections",
        "list --json --dtypes",
        "list --json --archives",
    ],
    "info": ["info --json mni152-t1 nibabel-tractograms neurogister/quickstart"],
    "versions": ["versions --json noise-white"],
    "diff": ["diff --json neurogister/quickstart@1.0.0 neurogister/quickstart@1.1.0"],
    "search": ["search --json tone"],
    "cite": ["cite --json noise-white neurogister/quickstart"],
    "locate": ["locate --json mni152-t1"],
    "pull": ["pull --json mni152-t1 nibabel-tractograms:trk"],
    "lock": ["lock add --json mni152-t1 neurogister/quickstart"],
    "lock-check": ["lock check --json"],
    "lock-diff": ["lock diff --json"],
    "verify": ["verify --json mni152-t1", f"manifest --json --check {FOLDER}"],
    "manifest": [f"manifest --json {FOLDER}"],
    "cache": ["cache ls --json", "cache verify --json", "cache prune --json"],
    "config": ["config --json"],
    "init": ["init --json ../new", "init --json --adopt --no-commit"],
    "doctor": ["doctor --json"],
}


def test_each_key_of_json_is_told(clone, environment):
    page = text_of(DOCS / "json.md")
    run(["pull", "--quiet", "mni152-t1", "nibabel-tractograms"], clone, environment)
    untold = {}
    for name, questions in QUESTIONS.items():
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        if name in ("info", "search"):  # which say that they have what these have
            section += page.partition("\n## list\n")[2].partition("\n## ")[0]
            section += page.partition("\n## versions\n")[2].partition("\n## ")[0]
        for question in questions:
            values = [json.loads(line) for line in run(question.split(), clone, environment)]
            assert values, question
            assert {value["format"].partition("/")[0] for value in values} == {
                f"neurogister.{name}"
            }
            keys = {key for value in values for key in keys_of(value)} - {"format"}
            untold[question] = [
                key for key in sorted(keys) if not re.search(rf"\b{key}\b", section)
            ]

    assert {question: keys for question, keys in untold.items() if keys} == {}


def run(arguments: list[str], clone, environment) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "neurogister", *arguments], cwd=clone, env=environment,
        capture_output=True, stdin=subprocess.DEVNULL, encoding="utf-8", timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def keys_of(value: Any) -> Iterator[str]:
    """Give all keys of a JSON value; those of free mappings are somebody else's."""
    if isinstance(value, list):
        for each in value:
            yield from keys_of(each)
    elif isinstance(value, dict):
        for key, below in value.items():
            yield key
            if key == "settings":
                yield from (name for each in below.values() for name in each)
            elif key not in ("metadata", "remotes"):
                yield from keys_of(below)


# Remotes


@pytest.mark.parametrize(
    "name",
    sorted(
        set(re.findall(r"config\.(?:text|flag|number)\(\s*\"(\w+)\"", source_of("backends")))
        | {"version_aware", "worktree", "ssl_verify"}
    ),
)
def test_each_option_of_a_remote_that_is_read_is_told(name):
    assert f"`{name}" in text_of(DOCS / "remotes.md")


@pytest.mark.parametrize("name", sorted(dvcoptions.HARMFUL))
def test_each_option_that_may_not_be_committed_is_told(name):
    assert f"`{name}`" in text_of(DOCS / "security.md")


@pytest.mark.parametrize(
    "name",
    sorted(
        set(re.findall(r"environ(?:ment)?\.get\(\s*\"([A-Z][A-Z0-9_]+)\"", source_of()))
        - {"AWS_SESSION_TOKEN", "AWS_SHARED_CREDENTIALS_FILE", "APPDATA"}
    ),
)
def test_each_variable_that_is_read_is_told(name):
    assert re.search(rf"\b{name}\b|`{name[:4]}…`", all_docs())


# Python


def test_each_public_name_is_told():
    page = text_of(DOCS / "api.md")

    assert [name for name in neurogister.__all__ if not re.search(rf"\b{name}\b", page)] == []


FUNCTIONS = {
    "Functions": {
        name: member
        for name in neurogister.__all__
        if inspect.isfunction(member := getattr(neurogister, name))
    },
    **{
        kind.__name__: {
            name: member
            for name, member in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }
        for kind in (neurogister.Lockfile, neurogister.Registry, progress.Progress)
    },
}


@pytest.mark.parametrize("heading", FUNCTIONS)
def test_each_function_is_told_with_its_parameters(heading):
    section = text_of(DOCS / "api.md").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    told = dict(re.findall(r"`(\w+)\(([^`]*)\)`", section))
    functions = FUNCTIONS[heading]

    assert {name: names_in(told[name]) for name in functions} == {
        name: parameters_of(function) for name, function in functions.items()
    }


def names_in(text: str) -> list[str]:
    return re.findall(r"(?:^|, )(\*{0,2}\w+|\*)", text)


def parameters_of(function: Any) -> list[str]:
    names: list[str] = []
    for each in inspect.signature(function).parameters.values():
        if each.name == "self":
            continue
        if each.kind is each.KEYWORD_ONLY and "*" not in names:
            names.append("*")
        names.append(f"**{each.name}" if each.kind is each.VAR_KEYWORD else each.name)
    return names


@pytest.mark.parametrize(
    ("kind", "heading"),
    [
        (neurogister.Dataset, "## Dataset"),
        (neurogister.PullReport, "## PullReport, Pulled"),
        (neurogister.Pulled, "## PullReport, Pulled"),
        (neurogister.Settings, "## Settings"),
    ],
)
def test_each_attribute_of_a_value_is_told(kind, heading):
    section = text_of(DOCS / "api.md").partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    names = [each.name for each in fields(kind)]
    names += [name for name, _ in inspect.getmembers(kind, lambda it: isinstance(it, property))]

    assert [name for name in names if f"`{name}`" not in section] == []


# Dependencies


def test_each_dependency_is_told():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        wanted += extra
    names = {re.split(r"[\[<>=~! ]", each)[0] for each in wanted} - {"neurogister"}
    told = set(re.findall(r"\[([\w.-]+)\]\(https://pypi", text_of(DOCS / "dependencies.md")))

    assert {name.lower() for name in told} == {name.lower() for name in names}


# Links and pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_leads_somewhere(page):
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text_of(page))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        if not file.exists() or (anchor and anchor not in anchors(text_of(file))):
            broken.append(target)

    assert broken == []


def test_each_page_is_in_the_navigation():
    text = (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8")
    told = re.findall(r"^ +- .*: ([\w-]+\.md)$", text, re.MULTILINE)

    assert sorted(told) == sorted(page.name for page in DOCS.glob("*.md"))


def anchors(text: str) -> list[str]:
    """Return the anchors of headings that GitHub and MkDocs agree on: those that stand once."""
    headings = re.findall(r"^#+ (.+)$", without_code(text), re.MULTILINE)
    slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return [slug for slug in slugs if slugs.count(slug) == 1]


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


# Messages


def messages() -> list[str]:
    rows = re.findall(r"^\| ([^|`][^|]*?) \|", text_of(DOCS / "errors.md"), re.MULTILINE)
    return [row for row in rows if row != "message" and not row.startswith("---")]


@pytest.mark.parametrize("message", messages())
def test_each_message_can_be_read_in_the_source(message):
    """Its longest piece is there; what is in capitals, or behind …, differs each time."""
    source = re.sub(r'"\s*\n\s*f?"', "", source_of())
    for part in message.split("; "):
        pieces = re.split(r"…|'?\b[A-Z]+\b'?|,? line|'dvc'|writing|sets", part)
        longest = max((piece.strip(" :,.'") for piece in pieces), key=len)

        assert longest in source or longest.split(" ", 2)[-1] in source
