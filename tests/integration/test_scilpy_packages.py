"""What scilpy's tests pull packages with: git URLs, pinned commits, DVC 2 and DVC 3 stores."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.factories import RegistryBuilder, make_registry, nifti_bytes, random_bytes
from tests.faults import Drop, FaultServer, Fraction, Status, WrongBytes
from tests.servers import GitHTTPServer, git_http_server, run_git

from neurogister.compat import scilpy
from neurogister.errors import (
    IntegrityError,
    InvalidFileError,
    NotFoundError,
    RefusedError,
    UsageError,
)

AODF = {"asym.nii.gz": nifti_bytes(seed=1), "sub/mask.nii.gz": nifti_bytes(seed=2)}
NEWER = {"asym.nii.gz": nifti_bytes(seed=3), "sub/mask.nii.gz": AODF["sub/mask.nii.gz"]}


@dataclass
class Origin:
    """A published registry with a store as scilpy's, and a project that uses it."""

    registry: RegistryBuilder
    git: GitHTTPServer
    server: FaultServer
    home: Path
    work: Path
    first: str
    url: str

    def describe(self, text: str) -> None:
        """Write the project's list of test cases."""
        (self.work / ".dvc").mkdir(exist_ok=True)
        (self.work / ".dvc/test_descriptors.yml").write_text(text)


@pytest.fixture(params=[False, True], ids=["dvc 3", "dvc 2"])
def origin(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Origin]:
    registry = make_registry(tmp_path / "registry", plain=True, legacy=request.param)
    registry.add_old_package("scilpy_tests/aodf", AODF)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("SCILPY_HOME", str(tmp_path / "scilpy"))
    with (
        git_http_server(tmp_path / "git") as git,
        FaultServer(registry.objects) as server,
    ):
        registry.remote_url(server.url, name="scil-data")
        first = registry.commit("Add the package")
        registry.add_old_package("scilpy_tests/aodf", NEWER)
        registry.commit("Change it")
        url = git.publish(registry.root)
        monkeypatch.setenv("NEUROGISTER_REGISTRY", url)
        yield Origin(registry, git, server, tmp_path / "scilpy", work, first, url)


def tree(folder: str | Path) -> dict[str, bytes]:
    files = [each for each in Path(folder).rglob("*") if each.is_file()]
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in files}


def test_a_test_case_comes_at_its_pinned_commit(origin):
    origin.describe(f"aodf:\n    revision: {origin.first}\n")

    path = scilpy.pull_test_case_package("aodf")

    assert path == f"{origin.home}/test_data/aodf"
    assert tree(path) == AODF
    assert sorted(os.listdir(origin.home / "test_data")) == ["aodf"]


def test_the_second_time_nothing_is_asked_for(origin):
    origin.describe(f"aodf:\n    revision: {origin.first}\n")
    scilpy.pull_test_case_package("aodf")
    origin.git.reset()
    origin.server.reset()

    scilpy.pull_test_case_package("aodf")

    assert origin.server.requests == []
    assert origin.git.requests == []


def test_another_revision_replaces_what_we_put_there_but_not_what_the_user_wrote(origin):
    folder = origin.work / "here"
    scilpy.pull_package_from_dvc_repository(
        "scilpy_tests", "aodf", folder, origin.url, origin.first
    )
    path = scilpy.pull_package_from_dvc_repository("scilpy_tests", "aodf", folder, origin.url)
    assert tree(path) == NEWER

    (folder / "aodf/asym.nii.gz").write_bytes(b"my own work")
    with pytest.raises(RefusedError, match=r"asym\.nii\.gz"):
        scilpy.pull_package_from_dvc_repository(
            "scilpy_tests", "aodf", folder, origin.url, origin.first
        )
    assert (folder / "aodf/asym.nii.gz").read_bytes() == b"my own work"


@pytest.mark.parametrize("location", ["store/scilpy_tests/aodf", "store/scilpy_tests/aodf/"])
def test_a_location_is_a_path_in_the_registry(origin, location):
    path = scilpy.pull_from_dvc_repository(location, "here/", git_remote_url=origin.url)

    assert path == f"{origin.work}/here/aodf"
    assert tree(path) == NEWER


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("store/scilpy_tests/nothing", NotFoundError),
        ("../../etc", NotFoundError),
        ("store/scilpy_tests/aodf/sub", UsageError),
    ],
)
def test_what_there_is_not_is_told(origin, location, error):
    with pytest.raises(error):
        scilpy.pull_from_dvc_repository(location, "here", git_remote_url=origin.url)
    assert not Path("here").exists()


def test_an_unknown_revision_is_told(origin):
    with pytest.raises(NotFoundError, match="nowhere"):
        scilpy.pull_package_from_dvc_repository(
            "scilpy_tests", "aodf", "here", origin.url, "nowhere"
        )


def test_an_unknown_test_case_is_a_value_error(origin):
    with pytest.raises(ValueError, match=r"unknown test package 'aodf'.* no lockfile"):
        scilpy.pull_test_case_package("aodf")
    origin.describe("other:\n    revision: main\n")
    with pytest.raises(ValueError, match=r"unknown test package 'aodf'.* not in test_desc"):
        scilpy.pull_test_case_package("aodf")


@pytest.mark.parametrize("text", ["aodf: {revision: 1234}", "aodf: main", "- aodf", "a: [", "\0"])
def test_a_list_of_test_cases_that_makes_no_sense_is_told(origin, text):
    origin.describe(text)

    with pytest.raises(InvalidFileError, match=r"test_descriptors\.yml"):
        scilpy.pull_test_case_package("aodf")


def test_the_project_may_say_where_the_remote_is(origin):
    with FaultServer(origin.registry.objects) as mirror:
        (origin.work / ".dvc").mkdir()
        (origin.work / ".dvc/config").write_text(
            f"['remote \"scil-data\"']\n    url = {mirror.url}\n"
        )
        path = scilpy.pull_package_from_dvc_repository("scilpy_tests", "aodf", "here", origin.url)
        assert mirror.requests != []

    assert tree(path) == NEWER
    assert origin.server.requests == []


def test_a_remote_of_another_name_is_no_obstacle(origin):
    path = scilpy.pull_package_from_dvc_repository(
        "scilpy_tests", "aodf", "here", origin.url, dvc_remote_name="other"
    )

    assert tree(path) == NEWER


def test_a_flaky_server_is_good_enough(origin):
    origin.server.rules += [Fraction(0.1, Status(503)), Fraction(0.1, Drop())]

    path = scilpy.pull_package_from_dvc_repository("scilpy_tests", "aodf", "here", origin.url)

    assert tree(path) == NEWER


def test_wrong_bytes_never_get_here(origin, monkeypatch):
    monkeypatch.setenv("NEUROGISTER_RETRIES", "1")
    origin.server.rules.append(WrongBytes())

    with pytest.raises(IntegrityError):
        scilpy.pull_package_from_dvc_repository("scilpy_tests", "aodf", "here", origin.url)
    assert not Path("here/aodf/asym.nii.gz").exists()


def test_eight_processes_fetch_each_object_once(origin):
    origin.describe(f"aodf:\n    revision: {origin.first}\n")
    code = "from neurogister.compat.scilpy import *; print(pull_test_case_package('aodf'))"
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(8)
    ]  # fmt: skip
    said = [process.communicate(timeout=120) for process in processes]

    assert [process.returncode for process in processes] == [0] * 8, said
    assert {out for out, _ in said} == {f"{origin.home}/test_data/aodf\n"}
    assert tree(origin.home / "test_data/aodf") == AODF
    asked = [each.path for each in origin.server.requests if each.method == "GET"]
    assert len(asked) == len(set(asked)) == 3  # the listing and two files


def test_a_store_that_dvc_itself_made_is_read(home, tmp_path, monkeypatch):
    pytest.importorskip("dvc")
    root = tmp_path / "registry"
    package = root / "store/scilpy_tests/aodf"
    (package / "sub").mkdir(parents=True)
    (package / "a.bin").write_bytes(random_bytes(9000))
    (package / "sub/b.bin").write_bytes(random_bytes(70, seed=1))
    expected = tree(package)
    (package.parent / "meta.yml").write_text("description: Tests\npackages:\n  - aodf\n")
    run_git("init", "--quiet", "--initial-branch=main", folder=root)
    for arguments in (
        ["init", "--quiet"],
        ["remote", "add", "--default", "scil-data", str(tmp_path / "objects")],
        ["add", "--quiet", "store/scilpy_tests/aodf"],
        ["push", "--quiet"],
    ):
        subprocess.run(
            [sys.executable, "-m", "dvc", *arguments], cwd=root, check=True, capture_output=True
        )
    run_git("add", "--all", folder=root)
    run_git("commit", "--quiet", "--message=Store", folder=root)
    monkeypatch.setenv("SCILPY_HOME", str(tmp_path / "scilpy"))
    monkeypatch.chdir(tmp_path)

    path = scilpy.pull_package_from_dvc_repository(
        "scilpy_tests", "aodf", scilpy.get_home(), root.as_uri()
    )

    assert tree(path) == expected
