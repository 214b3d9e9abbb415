"""Imports point down: the contract in pyproject.toml is kept, and a breach of it is caught."""

import shutil
from pathlib import Path

import pytest

LINT_IMPORTS = ("lint-imports", "--no-cache")


@pytest.fixture
def copy(repository: Path, tmp_path: Path) -> Path:
    """A copy of the package and its contract, to spoil."""
    shutil.copy(repository / "pyproject.toml", tmp_path)
    shutil.copytree(
        repository / "src" / "neurogister",
        tmp_path / "src" / "neurogister",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return tmp_path


def test_imports_point_down(run):
    done = run(*LINT_IMPORTS)

    assert done.returncode == 0, done.stdout
    assert " 0 broken" in done.stdout


def test_a_copy_keeps_the_contract_too(run, copy):
    done = run(*LINT_IMPORTS, cwd=copy, PYTHONPATH=str(copy / "src"))

    assert done.returncode == 0, done.stdout


def test_an_import_that_points_up_is_caught(run, copy):
    errors = copy / "src" / "neurogister" / "errors.py"
    errors.write_text(f"{errors.read_text(encoding='utf-8')}\nimport neurogister.cli\n", "utf-8")

    done = run(*LINT_IMPORTS, cwd=copy, PYTHONPATH=str(copy / "src"))

    assert done.returncode == 1
    assert "neurogister.errors -> neurogister.cli" in done.stdout


def test_a_module_without_a_layer_is_caught(run, copy):
    (copy / "src" / "neurogister" / "elsewhere.py").write_text('"""Nowhere."""\n', "utf-8")

    done = run(*LINT_IMPORTS, cwd=copy, PYTHONPATH=str(copy / "src"))

    assert done.returncode == 1
    assert "elsewhere" in done.stdout
