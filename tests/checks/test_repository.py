"""What the repository promises to those who clone it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import neurogister

MEGABYTE = 1_000_000
DATA_FOLDERS = ("data/", "store/", "remote/")

# Somebody's own folders; `/home/user/…` and the like are examples.
HOME_FOLDER = re.compile(
    r"(?<![\w.~-])(?:[A-Za-z]:\\+Users\\+|/home/|/Users/)(?!(?:user|you|alice|bob)\b)\w[\w.-]*[/\\]",
    re.IGNORECASE,
)

needs_bash = pytest.mark.skipif(sys.platform == "win32", reason="needs bash")


@pytest.fixture
def tracked(repository: Path) -> list[Path]:
    """The files that git tracks and that are here."""
    if not (repository / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(
        ["git", "-C", str(repository), "ls-files", "-z"], stdout=subprocess.PIPE, check=True
    ).stdout
    paths = [repository / os.fsdecode(name) for name in listing.split(b"\0") if name]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


# README.md and .ci/run


def test_the_first_two_commands_of_the_readme_are_one_line_each(repository):
    commands = sh_blocks((repository / "README.md").read_text(encoding="utf-8"))[:2]

    assert ["\n" in command for command in commands] == [False, False]
    assert "neurogister pull" in commands[0]
    assert commands[1].endswith("python -m pytest")


def test_the_tests_workflow_runs_the_second_command(repository):
    command = sh_blocks((repository / "README.md").read_text(encoding="utf-8"))[1]
    workflow = repository / ".github" / "workflows" / "tests.yml"

    assert f"run: {command}\n" in workflow.read_text(encoding="utf-8")


@needs_bash
def test_ci_runs_the_second_command_in_a_fresh_environment(repository, tmp_path):
    command = (
        "echo second: $(python -c 'import sys; print(sys.prefix != sys.base_prefix, sys.prefix)')"
    )

    done = run_ci(repository, tmp_path, "echo first", command, "echo third")

    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    assert words[:2] == ["second:", "True"]
    assert len(words) == 3
    assert not Path(words[2]).exists()


@needs_bash
def test_ci_fails_when_the_command_fails(repository, tmp_path):
    assert run_ci(repository, tmp_path, "true", "exit 3 && true").returncode == 3


@needs_bash
def test_ci_fails_without_a_second_command(repository, tmp_path):
    done = run_ci(repository, tmp_path, "true")

    assert done.returncode == 1
    assert "no second sh block" in done.stderr


# What git tracks


def test_no_tracked_file_is_large(tracked):
    assert [path for path in tracked if path.stat().st_size > 3 * MEGABYTE] == []


def test_all_data_together_is_small(tracked, repository):
    sizes = [
        path.stat().st_size
        for path in tracked
        if path.relative_to(repository).as_posix().startswith(DATA_FOLDERS)
    ]

    assert sum(sizes) <= 15 * MEGABYTE


def test_no_tracked_file_names_a_folder_of_this_machine(tracked, repository):
    found = {
        str(path.relative_to(repository)): names
        for path in tracked
        if (names := machine_paths(path.read_bytes(), repository))
    }

    assert found == {}


def test_a_folder_of_this_machine_is_caught(repository):
    home = "/".join(["", "home", "jdoe", "data"])
    windows = "\\".join(["C:", "Users", "jdoe", "data"])
    here = f"{repository}{os.sep}src"

    assert machine_paths(f"in {home}, {windows}".encode(), repository) == [
        home.removesuffix("data"),
        windows.removesuffix("data"),
    ]
    assert machine_paths(here.encode(), repository)
    assert machine_paths(b"~/home/jdoe/, https://a.org/home/news/, /home/user/x", repository) == []


@pytest.mark.parametrize(
    "path",
    [
        "data/mni152/t1.manifest.csv",
        "data/mni152/t1.nii.gz.dvc",
        "data/lib/build/dist/site/env.dvc",
        "store/vendor/package.yaml",
        "store/lib/package.dvc",
        "remote/files/md5/ab/cdef.dir",
        ".dvc/config",
        "lib/anything",
    ],
)
def test_git_ignores_no_data(run, repository, path):
    done = run(
        *("git", "check-ignore", "--no-index", "--quiet", path), GIT_CONFIG_GLOBAL=os.devnull
    )

    if done.returncode == 128:
        pytest.skip("not a git checkout")
    assert done.returncode == 1


# CITATION.cff and CHANGELOG.md


def test_citation_is_valid(run):
    done = run(
        "check-jsonschema", "--builtin-schema", "vendor.citation-file-format", "CITATION.cff"
    )

    assert done.returncode == 0, done.stdout


def test_citation_names_this_version(repository):
    citation = YAML(typ="safe").load(repository / "CITATION.cff")

    assert citation["version"] == neurogister.__version__


def test_changelog_has_an_entry_for_this_version(repository):
    changelog = (repository / "CHANGELOG.md").read_text(encoding="utf-8")

    assert re.search(rf"^## \[?{re.escape(neurogister.__version__)}\b", changelog, re.MULTILINE)


def sh_blocks(markdown: str) -> list[str]:
    """Return what is written in the fenced `sh` blocks of a page."""
    return re.findall(r"^```sh\n(.*?)\n```", markdown, re.MULTILINE | re.DOTALL)


def run_ci(repository: Path, folder: Path, *commands: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of `.ci/run` beside a README with these commands, as a CI service would."""
    (folder / ".ci").mkdir()
    shutil.copy(repository / ".ci" / "run", folder / ".ci")
    blocks = [f"```sh\n{command}\n```\n\n```python\nprint()\n```\n" for command in commands]
    (folder / "README.md").write_text("\n".join(blocks), encoding="utf-8")
    return subprocess.run(
        [str(folder / ".ci" / "run")],
        env=os.environ | {"CI": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def machine_paths(content: bytes, repository: Path) -> list[str]:
    """Return the folders of this or another machine that a text names."""
    if b"\0" in content:
        return []
    text = content.decode("utf-8", errors="replace")
    here = re.compile(rf"(?<![\w.~/-]){re.escape(str(repository))}(?![\w-])")
    return HOME_FOLDER.findall(text) + here.findall(text)
