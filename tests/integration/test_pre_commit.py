"""The hook for pre-commit, installed and run by pre-commit itself."""

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from tests.depositing import Lab
from tests.servers import run_git

REPOSITORY = Path(__file__).parents[2]
HOOKS = REPOSITORY / ".pre-commit-hooks.yaml"
TEMPLATE = REPOSITORY / "src/neurogister/templates/registry/dot-pre-commit-config.yaml"
PROGRAM = shutil.which(
    "pre-commit", path=os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
)
pytestmark = pytest.mark.skipif(not HOOKS.is_file(), reason="an sdist has no hooks")


@pytest.fixture
def published(tmp_path) -> Path:
    """The hook and the code that it needs, as a repository with a commit."""
    folder = tmp_path / "neurogister"
    for name in ("src", "schemas"):
        shutil.copytree(REPOSITORY / name, folder / name)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copyfile(REPOSITORY / name, folder / name)
    run_git("init", "--quiet", str(folder))
    run_git("add", "--all", folder=folder)
    who = ("-c", "user.name=S", "-c", "user.email=s@example.org")
    run_git(*who, "commit", "--quiet", "--message=Everything", folder=folder)
    return folder


@pytest.mark.skipif(PROGRAM is None and not os.environ.get("CI"), reason="needs pre-commit")
def test_pre_commit_stops_what_is_wrong_and_lets_pass_what_is_right(published, tmp_path):
    assert PROGRAM is not None, "pre-commit is not installed: python -m pip install -e '.[test]'"
    lab = Lab(tmp_path)
    lab.deposit(lab.file(), dtype="any")
    environment = os.environ | {"PRE_COMMIT_HOME": str(tmp_path / "pre-commit")}

    def hook() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [PROGRAM, "try-repo", str(published), "neurogister-validate"], cwd=lab.root,
            env=environment, capture_output=True, text=True, check=False, timeout=280,
        )  # fmt: skip

    sound = hook()
    assert sound.returncode == 0, sound.stdout + sound.stderr
    assert "neurogister validate" in sound.stdout

    lab.deposit(lab.file("b.bin", b"other"), title="<b>", dtype="any")
    wrong = hook()
    assert wrong.returncode == 1
    assert "data/c/b.bin.dvc:" in wrong.stdout
    assert "[schema]" in wrong.stdout


def test_the_template_names_the_hook_that_there_is():
    yaml = YAML(typ="safe")
    [repository] = yaml.load(TEMPLATE)["repos"]
    [hook] = yaml.load(HOOKS)
    assert [each["id"] for each in repository["hooks"]] == [hook["id"]]
    assert hook["entry"].startswith("neurogister validate --staged ")
    assert hook["pass_filenames"] is False
