"""The pytest plugin, in a consumer's repository, run by the real pytest."""

import os
import re
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from tests.conftest import Run
from tests.factories import RegistryBuilder, dwi_files, make_registry, nifti_bytes, random_files
from tests.faults import Drop, FaultServer, Fraction, Status

REPOSITORY = Path(__file__).parents[2]

SUITE = """
import os, stat
from pathlib import Path
import pytest

NAMES = ["lab/tests", "lab/more", "mni-T1", "lab/tests:bvals"]

@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("name", NAMES)
def test_reads(neurogister_data, name, number):
    path = neurogister_data(name)
    assert path.exists()
    if name == "lab/tests":
        assert sorted(each.name for each in path.iterdir()) == ["bvals", "t1.nii.gz"]
    if name == "lab/tests:bvals":
        assert path.name == "bvals" and [*path.parent.iterdir()] == [path]
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    assert not any(each.stat().st_mode & 0o222 for each in files)

@pytest.mark.parametrize("number", range(4))
def test_writes(neurogister_data, number):
    path = neurogister_data.copy("lab/tests")
    assert Path(os.environ["NEUROGISTER_CACHE"]) not in path.parents
    (path / "bvals").write_text("other")
    one = neurogister_data("lab/tests:bvals", writable=True)
    assert one.read_text() != "other"
    one.write_text("third")
    assert neurogister_data("lab/tests").joinpath("bvals").read_text() not in ("other", "third")
"""

# Plugins that happen to be installed here, and that take longer to load than our tests to run.
UNUSED = " ".join(f"-p no:{name}" for name in ("hypothesispytest", "rerunfailures", "hydra_pytest"))

PLAIN = "def test_nothing():\n    pass\n"


@dataclass
class Consumer:
    """A project with a test suite."""

    root: Path
    registry: RegistryBuilder
    server: FaultServer
    run: Run

    def write(self, text: str) -> None:
        """Write its only test file."""
        (self.root / "test_suite.py").write_text(text)

    def lock(self, *names: str) -> None:
        """Lock data of the registry."""
        done = self.run("lock", "add", *names, "-C", self.registry.root, cwd=self.root)
        assert done.returncode == 0, done.stderr

    def pytest(self, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run its suite; return the status, and what it said."""
        command = [sys.executable, "-W", "error", "-m", "pytest", "-p", "no:cacheprovider"]
        variables["PYTEST_ADDOPTS"] = UNUSED
        if not entry_points(group="pytest11", name="neurogister"):
            variables["PYTHONPATH"] = str(self.entry_point())
        done = subprocess.run(
            [*command, *arguments], cwd=self.root, env=os.environ | variables, check=False,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def entry_point(self) -> Path:
        """Return a folder that has our entry point, if it was installed before there was one."""
        project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
        folder = self.root.with_name("installed")
        info = folder / "neurogister_entry-1.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: neurogister-entry\nVersion: 1\n"
        )
        lines = [
            f"{name} = {value}\n" for name, value in project["entry-points"]["pytest11"].items()
        ]
        (info / "entry_points.txt").write_text("[pytest11]\n" + "".join(lines))
        return folder

    @property
    def asked(self) -> dict[str, int]:
        """How often each object was sent by the server."""
        paths = [each.path for each in self.server.requests if each.method == "GET"]
        return {path: paths.count(path) for path in paths}


@pytest.fixture
def consumer(home: Path, tmp_path: Path, run: Run) -> Iterator[Consumer]:
    registry = make_registry(tmp_path / "registry")
    registry.add_file("mni152/t1.nii.gz", nifti_bytes(seed=1), id="mni-T1")
    registry.add_folder("scans/dwi", dwi_files(), id="dwi1")
    registry.add_folder(
        "scans/many", random_files(60, smallest=100, largest=9000, seed=2), id="many"
    )
    registry.add_package("lab/tests", ["mni-T1", ("dwi1", "dwi.bval", "bvals")])
    registry.add_package("lab/more", ["mni-T1", "many"])
    with FaultServer(registry.objects) as server:
        registry.remote_url(server.url)
        registry.commit("Add data")
        root = tmp_path / "consumer"
        root.mkdir()
        (root / "pytest.ini").write_text("[pytest]\n")
        consumer = Consumer(root, registry, server, run)
        consumer.write(SUITE)
        yield consumer


def test_eight_workers_on_a_cold_cache_download_each_object_once(consumer):
    consumer.lock("lab/tests", "lab/more", "mni-T1")
    consumer.registry.root.rename(consumer.registry.root.with_name("hidden"))
    consumer.server.reset()

    status, said = consumer.pytest("-n", "8", "--dist", "load")

    assert status == 0, said
    assert "20 passed" in said
    assert set(consumer.asked.values()) == {1}
    assert len(consumer.asked) == 62
    assert re.search(
        r"^neurogister: 4 names used, 62 objects \([\d,]+ bytes\) fetched$", said, re.M
    )

    consumer.server.reset()
    status, said = consumer.pytest("-n", "2", "--neurogister-offline")
    assert status == 0, said
    assert "neurogister: 4 names used, 0 objects (0 bytes) fetched" in said
    assert consumer.server.requests == []


def test_without_a_lockfile_data_comes_from_the_configured_registry(consumer):
    registry = str(consumer.registry.root)

    status, said = consumer.pytest("-n", "3", NEUROGISTER_REGISTRY=registry)

    assert status == 0, said
    assert set(consumer.asked.values()) == {1}
    assert "neurogister: 4 names used, 62 objects" in said


def test_a_flaky_server_is_no_reason_to_fail(consumer):
    consumer.lock("lab/tests", "lab/more", "mni-T1")
    consumer.server.reset(Fraction(0.1, Status(503), seed=1), Fraction(0.1, Drop(), seed=2))

    status, said = consumer.pytest("-n", "2")

    assert status == 0, said
    assert len(consumer.server.requests) > 62


@pytest.mark.parametrize("how", ["option", "variable"])
def test_a_run_that_may_not_download_fails_with_a_clear_message(consumer, how):
    consumer.lock("lab/tests", "mni-T1", "lab/more")
    consumer.pytest("-k", "test_writes")
    consumer.server.reset()
    arguments = ["--neurogister-offline"] if how == "option" else []
    variables = {"NEUROGISTER_OFFLINE": "1"} if how == "variable" else {}

    status, said = consumer.pytest("-k", "test_reads", *arguments, **variables)

    assert status == 1
    assert "lab/more is not in the cache, and this run may not download anything" in said
    assert "Traceback" not in said
    assert "4 failed, 12 passed" in said
    assert consumer.server.requests == []


def test_what_is_not_in_the_lockfile_is_not_fetched(consumer):
    consumer.lock("lab/tests")
    consumer.server.reset()
    consumer.write("def test_it(neurogister_data):\n    neurogister_data('mni-T1')\n")

    status, said = consumer.pytest(NEUROGISTER_REGISTRY=str(consumer.registry.root))

    assert status == 1
    assert "mni-T1 is not in the lockfile" in said
    assert "neurogister lock add mni-T1" in said
    assert consumer.server.requests == []


def test_withdrawn_data_is_refused(consumer):
    consumer.lock("mni-T1")
    lockfile = consumer.root / "neurogister.lock"
    lockfile.write_text(lockfile.read_text() + "withdrawn = true\n")
    consumer.write("def test_it(neurogister_data):\n    neurogister_data('mni-T1')\n")

    status, said = consumer.pytest()

    assert status == 1
    assert "was withdrawn since it was locked" in said


def test_a_file_that_a_test_has_spoilt_is_mended(consumer):
    consumer.lock("lab/tests")
    consumer.write(
        "import os\n"
        "def test_it(neurogister_data):\n"
        "    path = neurogister_data('lab/tests') / 'bvals'\n"
        "    assert path.read_text() != 'spoilt'\n"
        "    os.chmod(path, 0o644)\n"
        "    path.write_text('spoilt')\n"
    )
    for _ in range(2):
        status, said = consumer.pytest()
        assert status == 0, said


def test_the_lockfile_may_be_elsewhere(consumer, tmp_path):
    consumer.lock("lab/tests")
    (tmp_path / "locks").mkdir()
    (consumer.root / "neurogister.lock").rename(tmp_path / "locks/data.lock")
    consumer.write("def test_it(neurogister_data):\n    neurogister_data('lab/tests')\n")

    status, said = consumer.pytest("--neurogister-lockfile", "../locks/data.lock")
    assert status == 0, said


def test_a_suite_that_does_not_use_it_notices_nothing(consumer):
    consumer.write(PLAIN)
    status, said = consumer.pytest("-v")

    assert status == 0
    assert "neurogister:" not in said.replace("neurogister-", "")
    status, said = consumer.pytest("-p", "no:xdist", "--strict-markers", "--strict-config")
    assert status == 0, said


def test_the_plugin_imports_nothing_of_ours():
    code = (
        "import sys, pytest, neurogister.pytest_plugin\n"
        "print(sorted(m for m in sys.modules if m.startswith('neurogister')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "['neurogister', 'neurogister.pytest_plugin']\n"


def test_the_shared_files_are_apart_from_what_scripts_fetch(consumer):
    consumer.lock("mni-T1")
    consumer.write("def test_it(neurogister_data):\n    print(neurogister_data('mni-T1'))\n")
    status, said = consumer.pytest("-s")

    assert status == 0, said
    path = Path(re.search(r"/\S+t1\.nii\.gz", said)[0])
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert path.parts[-3].endswith(".shared")
