"""Every hostile submission is rejected with its file and rule; every unusual one is accepted."""

import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.corpus import HARMLESS, HOSTILE, Case
from tests.corpus.draft import Draft
from tests.corpus.ground import make_ground
from tests.integration.test_guarantees_memory import PROBE
from tests.servers import isolated_environment

import neurogister
from neurogister.cli.output import Output
from neurogister.cli.validate import Form, _print
from neurogister.model.finding import Report

SECONDS, MEBIBYTES = 10, 500
_TEXT = "data title path c.bin"


class Ground:
    """The registry of a worker, with a branch for each case that it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = make_ground(folder / "registry").root

    def branch(self, case: Case) -> str:
        """Write a case as a branch; return its name."""
        name = f"refs/heads/{case.name}"
        path = self.root / ".git" / name
        folder = self.folder / case.name
        if folder.exists():
            return name  # another test of the same case
        folder.mkdir()
        draft = Draft(self.root, folder)
        case.make(draft)
        path.write_text(f"{draft.commit()}\n")
        return name

    def validate(self, case: Case) -> Report:
        """Validate a case with the public function."""
        with neurogister.open(self.root, rev=self.branch(case)) as registry:
            return registry.validate("main", actor=case.actor)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("corpus")
        for name, value in _environment(folder).items():
            patch.setenv(name, value)
        yield Ground(folder)


def _environment(folder: Path) -> dict[str, str]:
    return isolated_environment(folder / "home") | {
        "NEUROGISTER_CACHE": str(folder / "cache"),
        "NEUROGISTER_CONFIG_DIR": str(folder / "config"),
    }


def test_corpus_is_large_enough() -> None:
    assert len(HOSTILE) >= 120
    assert len(HARMLESS) >= 30


def _worked() -> float:
    """Return the seconds of work of this process and those it started: others may run beside."""
    return sum(os.times()[:4])


def _is_named(case: Case, path: str, rule: str) -> bool:
    return path == case.path and (not case.rules or rule in case.rules)


@pytest.mark.parametrize("case", HOSTILE.values(), ids=HOSTILE)
def test_hostile_submission_is_rejected(
    ground: Ground, case: Case, capfd: pytest.CaptureFixture[str]
) -> None:
    start = _worked()
    report = ground.validate(case)
    took = _worked() - start

    said = [(each.path, each.rule, each.message) for each in report.findings]
    named = [each for each in report.findings if _is_named(case, each.path, each.rule)]
    rejected = report.status == 1 and any(each.severity == "error" for each in named)
    assert rejected, said[:10]
    assert took < SECONDS
    _check_output(report, capfd)


@pytest.mark.parametrize("case", HARMLESS.values(), ids=HARMLESS)
def test_harmless_submission_is_accepted(
    ground: Ground, case: Case, capfd: pytest.CaptureFixture[str]
) -> None:
    report = ground.validate(case)

    said = [(each.path, each.rule, each.message) for each in report.findings]
    assert report.status == 0, said
    _check_output(report, capfd)


def _check_output(report: Report, capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever the format: nothing of a stranger's text is obeyed by a terminal, or by CI."""
    for form in Form:
        capfd.readouterr()
        _print(SimpleNamespace(output=Output()), report, form)
        out = capfd.readouterr().out
        check_harmless(out, form)
        if form is Form.JSON:
            assert len([json.loads(line) for line in out.splitlines()]) == len(report.findings)
        elif form is Form.GITHUB:
            assert len(out.splitlines()) == len(report.findings)
        elif form is Form.SARIF:
            assert len(json.loads(out)["runs"][0]["results"]) == len(report.findings)


def check_harmless(out: str, form: Form) -> None:
    """Check that printed text neither steers a terminal nor commands a workflow."""
    for character in set(out) - {"\n"}:
        assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}, (
            hex(ord(character))
        )
    assert "##[" not in out
    for line in out.split("\n"):
        if form is Form.GITHUB:
            assert not line or line.startswith(("::error ", "::warning ")), line[:100]
        else:
            assert not line.lstrip().startswith("::"), line[:100]


# Through the real command line.

_SAMPLE = [
    *list(HOSTILE.values())[::6],
    *(HOSTILE[name] for name in (
        "alias_bomb", "levels_20000", "pointer_of_30_mb", "keys_200000", "members_90000_each_wrong",
        "members_30000_each_different", "versions_60000_each_out_of_order",
        "manifest_of_40000_and_2_declared", "path_of_3000_levels", "name_not_utf8",
        "id_of_60000_characters", "authors_50000_each_wrong",
    )),
    *list(HARMLESS.values())[::8],
]  # fmt: skip


@pytest.mark.parametrize(
    "case", {case.name: case for case in _SAMPLE}.values(), ids=lambda c: c.name
)
def test_command_line_judges_in_bounded_time_and_memory(ground: Ground, case: Case) -> None:
    branch, told = ground.branch(case), ground.folder / f"peak-{case.name}"
    arguments = ["-C", str(ground.root), "--rev", branch, "validate", "--base", "main"]
    if case.actor:
        arguments += ["--actor", case.actor]
    start = _worked()
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(told), *arguments],
        env=os.environ | {"COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    took = _worked() - start

    wanted = 0 if case.name in HARMLESS else 1
    assert done.returncode == wanted, done.stderr[-1000:]
    assert b"Traceback" not in done.stderr
    assert took < SECONDS
    assert int(told.read_text()) // 1024 < MEBIBYTES
