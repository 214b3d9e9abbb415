"""The action in .github/actions/pull, run step by step as its YAML has it, for a consumer."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.conftest import Run
from tests.factories import RegistryBuilder, dwi_files, make_registry, nifti_bytes
from tests.faults import Drop, FaultServer, Fraction, Status
from tests.servers import run_git
from tests.steps import Done, Runner, composite, load_steps

import neurogister

REPOSITORY = Path(__file__).parents[2]
ACTION = REPOSITORY / ".github" / "actions" / "pull"
CONSUMER = REPOSITORY / "tests" / "consumer"
NAME = "neurogister/neurogister/.github/actions/pull"
# Plugins that happen to be installed here, and that take longer to load than the tests to run.
UNUSED = " ".join(f"-p no:{name}" for name in ("hypothesispytest", "rerunfailures", "hydra_pytest"))

pytestmark = [
    pytest.mark.skipif(not ACTION.is_dir(), reason="an sdist has no action"),
    pytest.mark.skipif(sys.platform == "win32", reason="the bash of PATH may be that of WSL"),
]


@dataclass
class GitHub:
    """A consumer's repository at GitHub, the cache there, and machines that run its workflow."""

    folder: Path
    registry: RegistryBuilder
    server: FaultServer
    kept: dict[str, Path] = field(default_factory=dict)
    """What is in the cache, by its key."""

    @property
    def workspace(self) -> Path:
        return self.folder / "work" / "gradients"

    @property
    def data(self) -> dict[str, bytes]:
        """What was delivered to where the lockfile says."""
        root = self.workspace / "tests" / "data"
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    @property
    def sent(self) -> Counter[str]:
        """How often each object was sent whole by the server."""
        asked = [each for each in self.server.requests if each.method == "GET"]
        return Counter(each.path for each in asked if each.status in (200, 206))

    def machine(self) -> Runner:
        """Return a new machine, with nothing of what ran before."""
        work, cache = self.folder / "work", Path(os.environ["NEUROGISTER_CACHE"])
        for folder in (work, cache):
            shutil.rmtree(folder, ignore_errors=True)
        self.workspace.mkdir(parents=True)
        self.server.reset(*self.server.rules)
        scripts = sysconfig.get_path("scripts")
        return Runner(
            self.workspace, work / "_temp",
            environment={
                "PATH": os.pathsep.join([scripts, os.environ["PATH"]]), "PYTEST_ADDOPTS": UNUSED,
            },
            actions={
                "actions/checkout": self._check_out,
                "actions/setup-python": lambda runner, given: {},
                "actions/cache/restore": self._restore,
                "actions/cache/save": self._save,
                NAME: composite(ACTION),
            },
        )  # fmt: skip

    def use(self, machine: Runner | None = None, **inputs: str) -> Done:
        """Use the action in a fresh checkout, with the neurogister that is installed here."""
        if machine is None:
            machine = self.machine()
            self._check_out(machine, {})
        steps = load_steps(CONSUMER / ".github" / "workflows" / "tests.yml", "tests")
        [step] = [each for each in steps if each.id == "data"]
        machine.inputs = {"version": "installed"} | inputs  # as what a workflow is given
        given = {name: f"${{{{ inputs.{name} }}}}" for name in machine.inputs}
        return machine.run(replace(step, given=given))

    def _check_out(self, runner: Runner, given: dict[str, str]) -> dict[str, str]:
        run_git("clone", "--quiet", str(self.folder / "gradients.git"), str(runner.workspace))
        return {}

    def _restore(self, runner: Runner, given: dict[str, str]) -> dict[str, str]:
        if given["key"] not in self.kept:
            return {"cache-hit": ""}
        shutil.copytree(self.kept[given["key"]], given["path"])
        return {"cache-hit": "true"}

    def _save(self, runner: Runner, given: dict[str, str]) -> dict[str, str]:
        assert given["key"] not in self.kept, "GitHub keeps the first one"
        target = self.folder / "kept" / str(len(self.kept))
        self.kept[given["key"]] = Path(shutil.copytree(given["path"], target))
        return {}


@pytest.fixture
def github(home: Path, tmp_path: Path, run: Run) -> Iterator[GitHub]:
    registry = make_registry(tmp_path / "registry")
    registry.add_file("mni152/t1.nii.gz", nifti_bytes(seed=1), id="template")
    registry.add_folder("scans/dwi", dwi_files(), id="dwi1")
    names = ["dwi.nii.gz", "dwi.bval", "dwi.bvec"]
    registry.add_package("lab/acquisition", [("dwi1", name, name) for name in names])
    with FaultServer(registry.objects) as server:
        registry.remote_url(server.url)
        registry.commit("Add data")
        project = tmp_path / "project"
        shutil.copytree(
            CONSUMER, project, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache")
        )
        run_git("init", "--quiet", "--initial-branch=main", folder=project)
        done = run("lock", "add", "lab/acquisition", "template", "-C", registry.root, cwd=project)
        assert done.returncode == 0, done.stderr
        who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
        run_git("add", "--all", folder=project)
        run_git(*who, "commit", "--quiet", "--message=Add code, tests and data", folder=project)
        run_git("clone", "--quiet", "--bare", str(project), str(tmp_path / "gradients.git"))
        yield GitHub(tmp_path, registry, server)


EXPECTED = {
    "lab/acquisition/dwi.bval": dwi_files()["dwi.bval"],
    "lab/acquisition/dwi.bvec": dwi_files()["dwi.bvec"],
    "lab/acquisition/dwi.nii.gz": dwi_files()["dwi.nii.gz"],
    "mni152/t1.nii.gz": nifti_bytes(seed=1),
}


def test_the_workflow_of_a_consumer_fetches_everything_once_and_then_never_again(github):
    steps = load_steps(CONSUMER / ".github" / "workflows" / "tests.yml", "tests")
    if importlib.util.find_spec("pip") is None:  # as in an environment that uv has made
        steps = [step for step in steps if "pip install" not in (step.run or "")]

    for requests in (4, 0):
        machine = github.machine()
        done = machine.run_all(steps)

        assert machine.succeeded, machine.said
        assert "24 passed" in done[-1].said
        assert "0 objects (0 bytes) fetched" in done[-1].said
        assert github.data == EXPECTED
        assert sorted(github.sent.values()) == [1] * requests
        assert (github.server.requests == []) is (requests == 0)
        assert "2 of the lockfile here, 4 files" in machine.summary
    assert len(github.kept) == 1


def test_the_outputs_say_where_everything_is(github):
    done = github.use()

    assert done.conclusion == "success", done.said
    data = github.workspace / "tests" / "data"
    assert done.outputs["folder"] == str(data)
    assert json.loads(done.outputs["paths"]) == {
        "lab/acquisition": str(data / "lab" / "acquisition"),
        "mni152/t1.nii.gz": str(data / "mni152" / "t1.nii.gz"),
    }
    assert done.outputs["cache"] == os.environ["NEUROGISTER_CACHE"]
    assert done.outputs["cache-hit"] == ""
    version = subprocess.run(
        [done.outputs["command"], "--version"], capture_output=True, text=True, check=True
    )
    assert version.stdout == f"{neurogister.__version__}\n"


def test_names_choose_and_have_a_cache_of_their_own(github):
    done = github.use(names="  lab/acquisition:dwi.bval \n\ntemplate\n", into="some where")

    assert done.conclusion == "success", done.said
    folder = github.workspace / "some where"
    assert json.loads(done.outputs["paths"]) == {
        "lab/acquisition:dwi.bval": str(folder / "lab" / "acquisition" / "dwi.bval"),
        "mni152/t1.nii.gz": str(folder / "mni152" / "t1.nii.gz"),
    }
    assert done.outputs["folder"] == str(folder)
    assert github.data == {}
    assert sum(github.sent.values()) == 2
    github.use()
    assert len(github.kept) == 2
    again = github.use(names="template\nlab/acquisition:dwi.bval")
    assert again.outputs["cache-hit"] == "true"
    assert github.server.requests == []


def test_one_job_may_use_it_twice(github):
    machine = github.machine()
    github._check_out(machine, {})
    github.use(machine, names="template", into="one")

    done = github.use(machine, names="lab/acquisition", into="two")

    assert done.conclusion == "success", done.said
    assert (github.workspace / "one" / "mni152" / "t1.nii.gz").is_file()
    assert sorted(github.sent.values()) == [1] * 4
    assert machine.summary.count("each verified") == 2


def test_another_lockfile_has_another_cache(github):
    github.use()
    machine = github.machine()
    github._check_out(machine, {})
    lockfile = github.workspace / "neurogister.lock"
    (github.workspace / "locks").mkdir()
    lockfile.write_text(lockfile.read_text().replace('"tests/data"', '"elsewhere"'))
    lockfile.rename(github.workspace / "locks" / "data.lock")

    done = github.use(machine, lockfile="locks/data.lock")

    assert done.conclusion == "success", done.said
    assert done.outputs["folder"] == str(github.workspace / "locks" / "elsewhere")
    assert done.outputs["cache-hit"] == ""
    assert len(github.kept) == 2


def test_what_is_damaged_in_the_cache_of_github_is_fetched_again(github):
    github.use()
    [kept] = github.kept.values()
    damaged = sorted(path for path in kept.rglob("*") if path.is_file() and path.stat().st_size)[0]
    damaged.chmod(0o644)
    damaged.write_bytes(bytes(damaged.stat().st_size))

    done = github.use()

    assert done.conclusion == "success", done.said
    assert github.data == EXPECTED
    assert [path.replace("/", "")[-6:] for path in github.sent] == [damaged.name[-6:]]


def test_a_withdrawn_member_fails_the_action(github):
    github.use()
    withdrawn = {"date": "2026-01-01", "reason": "a face in it"}
    github.registry.change_record("dwi1", status="withdrawn", withdrawn=withdrawn)
    github.registry.commit("Withdraw")

    done = github.use()

    assert (done.conclusion, done.status) == ("failure", 7)
    assert "a face in it" in done.said
    assert github.data == {}
    assert github.server.requests == []
    assert github.use(check="false").conclusion == "success"


def test_without_network_the_cache_must_have_it_all(github):
    done = github.use(offline="true")
    assert (done.conclusion, done.status) == ("failure", 9)
    assert github.kept == {}
    github.use()
    github.registry.root.rename(github.registry.root.with_name("hidden"))

    done = github.use(offline="true")

    assert done.conclusion == "success", done.said
    assert github.data == EXPECTED
    assert github.server.requests == []


def test_without_the_cache_of_github_none_is_used(github):
    for _ in range(2):
        done = github.use(cache="false")
        assert done.conclusion == "success", done.said
        assert sum(github.sent.values()) == 4
    assert github.kept == {}


def test_a_flaky_server_is_no_reason_to_fail(github):
    github.server.rules = [Fraction(0.1, Status(503), seed=1), Fraction(0.1, Drop(), seed=2)]

    done = github.use()

    assert done.conclusion == "success", done.said
    assert github.data == EXPECTED


def test_eight_workers_on_a_cold_cache_and_a_flaky_server_fetch_each_object_once(github):
    github.server.rules = [Fraction(0.1, Status(503), seed=3), Fraction(0.1, Drop(), seed=4)]
    machine = github.machine()
    github._check_out(machine, {})

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "8"], cwd=github.workspace,
        env=os.environ | machine.environment, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "24 passed" in done.stdout
    assert sorted(github.sent.values()) == [1] * 4
    assert len(github.server.requests) > 4


HOSTILE = [
    "$(touch owned)",
    "`touch owned`",
    "template; touch owned",
    "template\n$(touch owned)",
    "'; touch owned; '",
    '"; touch owned; "',
    "template\n::stop-commands::owned",
    "--force",
    "--lockfile=/etc/passwd",
    "../../../etc/passwd",
    "${{ inputs.lockfile }}",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", ["names", "lockfile"])
def test_a_hostile_input_is_only_a_name_that_is_not_known(github, name, text):
    done = github.use(**{name: text})

    assert (done.conclusion, done.status) == ("failure", 3)
    assert not any(line.lstrip().startswith("::stop") for line in done.said.splitlines())
    assert [*github.folder.rglob("owned*")] == []
    assert (github.data, github.kept, github.server.requests) == ({}, {}, [])


@pytest.mark.parametrize(
    "inputs",
    [
        {"version": "1.0; touch owned"},
        {"version": "1.0 --index-url=https://example.org"},
        {"version": "-r/etc/passwd"},
        {"check": "no"},
        {"cache": "true\ntrue"},
        {"offline": "$(touch owned)"},
        {"python": "$(touch owned)"},
    ],
)
def test_an_input_that_makes_no_sense_is_refused(github, inputs):
    done = github.use(**inputs)

    assert (done.conclusion, done.status) == ("failure", 2)
    assert "::error title=neurogister::" in done.said
    assert [*github.folder.rglob("owned*")] == []
    assert github.server.requests == []


def test_a_folder_that_would_be_two_lines_is_no_output(github):
    done = github.use(into="here\nfolder=/etc")

    assert done.conclusion == "failure"
    assert done.outputs == {}


def test_the_action_installs_the_neurogister_that_it_is_of(github):
    machine = github.machine()
    github._check_out(machine, {})

    done = github.use(machine, version="")

    if "No matching distribution" in done.said and not os.environ.get("CI"):
        pytest.skip("pip finds no packages")
    assert done.conclusion == "success", done.said
    assert github.data == EXPECTED
    command = Path(done.outputs["command"])
    assert machine.temp in command.parents
    prefix = subprocess.run(
        [command.with_name("python"), "-I", "-c", "import neurogister; print(neurogister)"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert str(machine.temp) in prefix
