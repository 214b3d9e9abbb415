"""What the checks of the repository share: its folder, and the programs of the test environment."""

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def repository() -> Path:
    return Path(__file__).parents[2]


@pytest.fixture
def run(repository: Path) -> Run:
    """Run a program of the test environment, by default at the top of the repository."""

    def run_program(
        *command: str, cwd: Path = repository, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [_find_program(command[0]), *command[1:]],
            cwd=cwd,
            env=os.environ | {"NO_COLOR": "1", "PYTHONUTF8": "1"} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=300,
        )

    return run_program


def _find_program(name: str) -> str:
    places = [sysconfig.get_path("scripts"), os.environ["PATH"]]
    program = shutil.which(name, path=os.pathsep.join(places))
    if program is None:
        missing = f"{name} is not installed: python -m pip install -e '.[test]'"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    return program
