"""A project that pins its data: what it gets, from whom, and what it is told."""

import os
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conftest import Run
from tests.factories import RegistryBuilder, dwi_files, make_registry, nifti_bytes, random_files
from tests.faults import Always, FaultServer, Status, WrongBytes
from tests.servers import FAST, S3Server, s3_server

import neurogister
from neurogister.errors import (
    IntegrityError,
    InvalidFileError,
    NotFoundError,
    OfflineError,
    RefusedError,
)
from neurogister.model.lockfile import parse_lockfile

BARS = ("-q", "--progress=none")


@dataclass
class Project:
    """A consumer's folder, a registry, and the server of its remote."""

    root: Path
    registry: RegistryBuilder
    server: FaultServer
    run: Run

    def lock(self, *arguments: str | Path, status: int = 0) -> str:
        """Run a command of ``lock``; return what it printed."""
        done = self.run("lock", *arguments, cwd=self.root)
        assert done.returncode == status, done.stderr
        return done.stdout + done.stderr

    def add(self, *names: str) -> None:
        """Lock things of the registry."""
        self.lock("add", *names, "-C", self.registry.root)

    @property
    def file(self) -> Path:
        """The lockfile."""
        return self.root / "neurogister.lock"

    @property
    def files(self) -> dict[str, bytes]:
        """What was delivered beside the lockfile."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and path != self.file
        }

    def hide_registry(self) -> None:
        """Let nobody read the registry any more."""
        self.registry.root.rename(self.registry.root.with_name("hidden"))


@pytest.fixture
def project(home: Path, tmp_path: Path, run: Run, monkeypatch) -> Iterator[Project]:
    monkeypatch.setenv("NEUROGISTER_RETRIES", "1")
    registry = make_registry(tmp_path / "registry")
    registry.add_file("mni152/t1.nii.gz", nifti_bytes(seed=1), id="mni-T1")
    registry.add_folder("scans/dwi", dwi_files(), id="dwi1")
    registry.add_package("lab/tests", ["mni-T1", ("dwi1", "dwi.bval", "bvals")])
    with FaultServer(registry.objects) as server:
        registry.remote_url(server.url)
        registry.commit("Add data")
        root = tmp_path / "project"
        root.mkdir()
        monkeypatch.chdir(root)
        yield Project(root, registry, server, run)


def test_pull_locked_needs_neither_git_nor_the_registry(project, tmp_path, monkeypatch):
    project.add("lab/tests", "dwi1")
    project.hide_registry()
    broken = tmp_path / "bin"
    broken.mkdir()
    for name in ("git", "dvc"):
        (broken / name).write_text("#!/bin/sh\nexit 99\n")
        (broken / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken}{os.pathsep}{os.environ['PATH']}")

    report = neurogister.pull_locked(check=True)

    assert [one.status for one in report.pulled] == ["pulled", "pulled"]
    expected = {f"scans/dwi/{path}": data for path, data in dwi_files().items()}
    expected |= {"lab/tests/t1.nii.gz": nifti_bytes(seed=1)}
    expected |= {"lab/tests/bvals": dwi_files()["dwi.bval"]}
    assert project.files == expected


def test_a_warm_pull_asks_nobody_and_loads_no_git(project):
    project.add("lab/tests", "dwi1", "mni-T1")
    neurogister.pull_locked(check=True)
    project.server.reset()
    code = (
        "import sys, neurogister\n"
        "report = neurogister.pull_locked(offline=True, check=True)\n"
        "assert not report.changes\n"
        "print([m for m in sys.modules if m.startswith('neurogister') and 'git' in m])\n"
        "print([m for m in sys.modules if m in ('yaml', 'urllib3', 'obstore', 'dvc')])\n"
    )

    done = project.run("--version", cwd=project.root)
    assert done.returncode == 0
    import subprocess

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert out.stdout.splitlines() == ["[]", "[]"], out.stderr
    assert project.server.requests == []


def test_a_warm_cache_is_enough_for_another_folder(project, tmp_path):
    project.add("lab/tests")
    neurogister.pull_locked(check=True)
    project.server.reset()

    report = neurogister.pull_locked(into=tmp_path / "other", offline=True, check=True)

    assert (tmp_path / "other/lab/tests/bvals").is_file()
    assert report.fetched_files == 0
    assert project.server.requests == []


def test_a_cold_cache_and_no_network_is_told(project):
    project.add("lab/tests")
    with pytest.raises((OfflineError, neurogister.SeveralErrors)):
        neurogister.pull_locked(offline=True, check=True)
    assert project.files == {}


def test_a_thousand_files_that_are_here_take_no_time(project):
    project.registry.add_folder(
        "big/set", random_files(1000, smallest=10, largest=20, seed=1), id="big"
    )
    project.registry.commit()
    project.add("big")
    neurogister.pull_locked(check=True)
    project.server.reset()
    times = []
    for _ in range(3):
        start = time.monotonic()
        done = project.run("pull", "--locked", cwd=project.root)
        times.append(time.monotonic() - start)
        assert done.returncode == 0, done.stderr

    assert project.server.requests == []
    assert min(times) < 2.5  # in benchmarks: 0.5 s; here others use the machine too


@pytest.mark.parametrize("fault", [WrongBytes(), Status(404)])
def test_what_is_wrong_in_the_remote_is_not_delivered(project, fault):
    project.add("mni-T1", "dwi1")
    key = f"/{project.registry.find('mni-T1').digests.key}"
    project.server.rules.append(Always(fault, match=key))

    report = neurogister.pull_locked()

    assert [one.status for one in report.pulled] == ["failed", "pulled"]
    assert isinstance(report.errors[0], IntegrityError | NotFoundError)
    assert "mni152/t1.nii.gz" not in project.files


def test_another_sha256_is_caught_even_if_the_md5_is_right(project):
    project.add("mni-T1")
    sha256 = project.registry.find("mni-T1").digests.sha256
    project.file.write_text(project.file.read_text().replace(sha256, "0" * 64))

    with pytest.raises(IntegrityError):
        neurogister.pull_locked(check=True)
    assert project.files == {}


def test_data_goes_to_the_folder_that_the_lockfile_names(project, monkeypatch):
    project.add("lab/tests")
    text = project.file.read_text()
    project.file.write_text(text.replace("format = 1\n", 'format = 1\nfolder = "tests/data"\n'))
    (project.root / "src").mkdir()
    monkeypatch.chdir(project.root / "src")

    report = neurogister.pull_locked(check=True)

    assert report.pulled[0].path == project.root / "tests/data/lab/tests"
    assert set(project.files) == {"tests/data/lab/tests/bvals", "tests/data/lab/tests/t1.nii.gz"}
    project.add("mni-T1")
    assert parse_lockfile(project.file.read_bytes()).folder == "tests/data"


def test_a_link_in_the_way_leads_nowhere(project, tmp_path):
    project.add("lab/tests")
    (tmp_path / "elsewhere").mkdir()
    (project.root / "lab").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(RefusedError):
        neurogister.pull_locked(check=True)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_file_of_the_project_is_not_overwritten(project):
    project.add("mni-T1")
    (project.root / "mni152").mkdir()
    (project.root / "mni152/t1.nii.gz").write_bytes(b"mine")

    with pytest.raises(RefusedError):
        neurogister.pull_locked(check=True)
    assert project.files == {"mni152/t1.nii.gz": b"mine"}


def test_an_upgrade_brings_the_newest_and_leaves_nothing_of_the_old(project):
    project.add("lab/tests@1.0.0")
    neurogister.pull_locked(check=True)
    project.registry.add_package("lab/tests", ["mni-T1", "dwi1"], "1.1.0")
    project.registry.commit("Release")

    said = project.lock("upgrade")
    assert "changed\tlab/tests\t1.0.0 → 1.1.0" in said
    neurogister.pull_locked(check=True)

    assert set(project.files) == {
        "lab/tests/t1.nii.gz",
        *(f"lab/tests/dwi/{path}" for path in dwi_files()),
    }
    assert "unchanged" in project.lock("upgrade")


def test_a_part_and_a_part_of_a_part(project):
    project.add("dwi1:*.bv*")
    report = neurogister.pull_locked("dwi1:*.bv*", check=True)

    assert set(project.files) == {"scans/dwi/dwi.bval", "scans/dwi/dwi.bvec"}
    assert report.pulled[0].part == "*.bv*"
    project.add("lab/tests")
    one = neurogister.pull_locked("lab/tests:bvals", check=True)
    assert one.pulled[0].path == project.root / "lab/tests/bvals"


def test_dvc_2_data_is_locked_as_it_is(project):
    text = b"one\r\ntwo\r\n"
    project.registry.add_folder("old/set", {"a.txt": text}, legacy=True, record=False)
    project.registry.add_file("old/one.txt", text, legacy=True, record=False)
    project.registry.commit()
    project.add("old/set", "old/one.txt")
    assert all(each.legacy for each in parse_lockfile(project.file.read_bytes()).locked)
    project.hide_registry()

    neurogister.pull_locked(check=True)

    assert project.files == {"old/set/a.txt": text, "old/one.txt": text}


def test_nothing_secret_gets_into_a_lockfile(project, tmp_path):
    project.registry.remote_url(
        "https://me:PASSWORD1@127.0.0.1:1/x",
        {"user": "me", "auth": "basic"},
        local={"password": "PASSWORD2"},
    )
    project.registry.set_config(
        {
            "'remote \"s3\"'": {
                "url": "s3://bucket/x",
                "endpointurl": "http://127.0.0.1:9",
                "region": "eu-1",
                "access_key_id": "KEY",
                "secret_access_key": "SECRET",
                "session_token": "TOKEN",
                "profile": "mine",
            }
        }
    )
    project.registry.write(".dvc/config.local", "['remote \"mine\"']\nurl = /secret/PRIVATE\n")
    project.registry.git("rm", "--cached", "--quiet", "--ignore-unmatch", ".dvc/config.local")
    project.registry.write(".dvc/.gitignore", "/config.local\n")
    project.registry.commit()
    project.add("mni-T1")

    text = project.file.read_text()
    remotes = tomllib.loads(text)["registry"][0]["remote"]
    assert remotes == [
        {"name": "storage", "url": "https://127.0.0.1:1/x"},
        {"name": "s3", "url": "s3://bucket/x", "endpointurl": "http://127.0.0.1:9",
         "region": "eu-1"},
    ]  # fmt: skip
    for secret in ("PASSWORD", "KEY", "SECRET", "TOKEN", "PRIVATE", "mine"):
        assert secret not in text


def test_s3_with_credentials_of_the_environment(project, tmp_path, monkeypatch):
    with s3_server(tmp_path / "s3", options=FAST) as server:
        server.bucket("data")
        copy_objects(project.registry.objects, server)
        options = {"endpointurl": server.endpoint, "region": "us-east-1"}
        project.registry.remote_url("s3://data", options)
        project.registry.commit()
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        project.add("dwi1", "lab/tests")
        project.hide_registry()

        report = neurogister.pull_locked(check=True)

        assert report.fetched_files == len(dwi_files()) + 1
        assert "TESTSECRETKEY" not in project.file.read_text()


def copy_objects(objects: Path, server: S3Server) -> None:
    for path in objects.rglob("*"):
        target = server.root / "data" / path.relative_to(objects)
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())


def test_a_registry_that_carries_its_bytes_is_read_with_git(project, tmp_path, monkeypatch):
    registry = RegistryBuilder(tmp_path / "whole", tmp_path / "whole/remote")
    registry.root.mkdir()
    registry.git("init", "--quiet")
    registry.set_config({"core": {"remote": "inside"}, "'remote \"inside\"'": {"url": "../remote"}})
    registry.add_file("a/b.bin", b"inside", id="inside-1")
    registry.commit()
    url = registry.root.as_uri()
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "file")
    project.lock("add", "inside-1", "-C", url)

    assert 'in_tree = "remote"' in project.file.read_text()
    assert f'url = "{url}"' in project.file.read_text()
    neurogister.pull_locked(check=True)
    assert project.files == {"a/b.bin": b"inside"}


# What the registry says meanwhile


def withdraw(project: Project, name: str) -> None:
    project.registry.change_record(
        name, status="withdrawn", withdrawn={"date": "2026-01-01", "reason": "a face in it"}
    )
    project.registry.commit("Withdraw")


def test_withdrawn_data_is_told_marked_and_refused(project):
    project.add("mni-T1", "dwi1")
    withdraw(project, "mni-T1")

    said = project.lock("check", "--dry-run", status=7)
    assert "was withdrawn on 2026-01-01: a face in it" in said
    assert "withdrawn = true" not in project.file.read_text()
    project.lock("check", status=7)
    assert project.file.read_text().count("withdrawn = true") == 1

    with pytest.raises(RefusedError, match="was withdrawn since it was locked"):
        neurogister.pull_locked()
    assert project.files == {}
    neurogister.pull_locked("dwi1", check=True)
    neurogister.pull_locked("mni-T1", force=True, check=True)


def test_a_mark_goes_away_when_the_registry_takes_it_back(project):
    project.add("mni-T1")
    withdraw(project, "mni-T1")
    project.lock("check", status=7)
    project.registry.change_record("mni-T1", status="active", withdrawn=None)
    project.registry.commit("A mistake")

    project.lock("check")
    assert "withdrawn" not in project.file.read_text()
    neurogister.pull_locked(check=True)


def test_a_withdrawn_member_is_found_in_a_package(project):
    project.add("lab/tests")
    withdraw(project, "mni-T1")

    said = project.lock("check", status=7)
    assert "lab/tests@1.0.0 has what was withdrawn: its member mni-T1 was withdrawn" in said
    with pytest.raises(RefusedError):
        neurogister.pull_locked()


def test_a_version_that_changed_its_meaning_is_told(project):
    project.add("mni-T1", "lab/tests")
    assert "same\tlab/tests" in project.lock("check")
    project.registry.find("mni-T1").record["versions"][0]["md5"] = "0" * 32
    project.registry.change_record("mni-T1")
    project.registry.commit("History rewritten")

    said = project.lock("check", status=7)
    assert "differs\tmni152/t1.nii.gz" in said
    assert "0" * 32 in said


def test_what_is_gone_is_told_and_a_new_version_is_no_fault(project):
    project.add("mni-T1", "dwi1")
    project.registry.new_version("mni-T1", nifti_bytes(seed=9))
    project.registry.pointer_path("dwi1").unlink()
    project.registry.commit("Change")

    said = project.lock("check", status=7)
    assert "same\tmni152/t1.nii.gz\t1\t2" in said
    assert "missing\tscans/dwi" in said
    assert project.lock("check", "mni-T1").startswith("same\t")


def test_a_registry_that_cannot_be_read_is_an_error_of_its_own(project):
    project.add("mni-T1")
    text = project.file.read_text()
    url = "http://127.0.0.1:9/none.git"
    project.file.write_text(text.replace(str(project.registry.root), url))

    project.lock("check", status=5)
    assert "same" in project.lock("check", "-C", project.registry.root)


def test_a_renamed_dataset_is_found_by_its_identifier(project):
    project.add("mni-T1")
    dataset = project.registry.find("mni-T1")
    project.registry.pointer_path("mni-T1").unlink()
    record = dict(dataset.record, former_names=[dataset.name])
    project.registry.add_file("mni152/head.nii.gz", nifti_bytes(seed=1), **record)
    project.registry.commit("Rename")

    assert project.lock("check").startswith("same\t")
    project.lock("upgrade")
    locked = parse_lockfile(project.file.read_bytes()).locked
    assert [each.name for each in locked] == ["mni152/head.nii.gz"]


# The file


def test_adding_again_changes_nothing(project):
    project.add("mni-T1")
    before = project.file.read_bytes(), project.file.stat().st_mtime_ns
    project.registry.add_file("other/x.bin", b"x")
    project.registry.commit()
    project.add("mni-T1")

    assert (project.file.read_bytes(), project.file.stat().st_mtime_ns) == before


def test_a_broken_lockfile_is_never_overwritten(project):
    project.file.write_text("<<<<<<< ours\n")
    for arguments in (["add", "mni-T1", "-C", str(project.registry.root)], ["upgrade"], ["check"]):
        project.lock(*arguments, status=4)
    with pytest.raises(InvalidFileError):
        neurogister.pull_locked()
    assert project.file.read_text() == "<<<<<<< ours\n"


def test_two_that_add_at_once_lose_nothing(project):
    names = ["mni-T1", "dwi1", "lab/tests", "dwi1:dwi.bval"]
    threads = [threading.Thread(target=project.add, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    locked = parse_lockfile(project.file.read_bytes()).locked
    assert [each.short for each in locked] == [
        "lab/tests", "mni152/t1.nii.gz", "scans/dwi", "scans/dwi:dwi.bval",
    ]  # fmt: skip


def test_git_merges_what_two_branches_added(project):
    def git(*arguments: str) -> str:
        import subprocess

        command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
        done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=True)
        return done.stdout

    project.registry.add_file("zoo/last.bin", b"last", id="last-1")
    project.registry.commit()
    project.add("mni-T1", "dwi1")
    git("init", "--quiet", "--initial-branch=main")
    git("add", ".")
    git("commit", "--quiet", "-m", "one")
    git("checkout", "--quiet", "-b", "side")
    project.add("lab/tests")
    git("commit", "--quiet", "-am", "two")
    git("checkout", "--quiet", "main")
    project.add("last-1")
    git("commit", "--quiet", "-am", "three")
    git("merge", "--quiet", "--no-edit", "side")

    found = parse_lockfile(project.file.read_bytes())
    assert [each.name for each in found.locked] == [
        "lab/tests", "mni152/t1.nii.gz", "scans/dwi", "zoo/last.bin",
    ]  # fmt: skip


def test_a_remote_that_has_moved_is_told_and_taken_over(project):
    project.add("mni-T1")
    address = f"{project.server.url}/"
    project.registry.remote_url(address)
    project.registry.commit("Move")

    assert "keeps its bytes elsewhere than the lockfile says" in project.lock("check")
    project.lock("upgrade")
    assert address in project.file.read_text()
    assert "elsewhere" not in project.lock("check")
    neurogister.pull_locked(check=True)


def test_one_name_of_two_registries_is_refused(project, tmp_path):
    project.add("mni-T1")
    other = make_registry(tmp_path / "other")
    other.add_file("mni152/t1.nii.gz", b"another")
    other.commit()
    before = project.file.read_bytes()

    said = project.lock("add", "mni152/t1.nii.gz", "-C", other.root, status=7)
    assert "mni152/t1.nii.gz is locked from" in said
    assert project.file.read_bytes() == before


def test_two_registries_each_give_their_own(project, tmp_path):
    other = make_registry(tmp_path / "other")
    other.add_folder("zoo/cat", {"a.bin": b"cat"}, id="cat")
    with FaultServer(other.objects) as server:
        other.remote_url(server.url)
        other.commit()
        project.add("dwi1:dwi.bval")
        project.lock("add", "cat", "-C", other.root)
        report = neurogister.pull_locked(check=True)

        assert [one.name for one in report.pulled] == ["scans/dwi", "zoo/cat"]
        assert len(server.requests) == 1
        assert project.files["zoo/cat/a.bin"] == b"cat"


def test_a_whole_folder_and_a_part_of_it_go_together(project):
    project.add("dwi1", "dwi1:dwi.bval")

    report = neurogister.pull_locked(check=True)

    assert len(report.pulled) == 2
    assert set(project.files) == {f"scans/dwi/{path}" for path in dwi_files()}
    assert not neurogister.pull_locked(check=True).changes
