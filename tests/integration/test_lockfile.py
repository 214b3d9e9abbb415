"""`neurogister.open_lockfile`: what `neurogister lock` does, from a script."""

from pathlib import Path

import pytest
from tests.factories import RegistryBuilder, dwi_files, make_registry, nifti_bytes

import neurogister
from neurogister.errors import NotFoundError, RefusedError, UsageError


@pytest.fixture
def registry(home: Path, tmp_path: Path) -> RegistryBuilder:
    registry = make_registry(tmp_path / "registry")
    registry.add_file("mni152/t1.nii.gz", nifti_bytes(seed=1), id="mni-T1")
    registry.add_folder("scans/dwi", dwi_files(), id="dwi1")
    registry.add_package("lab/tests", ["mni-T1", ("dwi1", "dwi.bval", "bvals")])
    registry.commit("Add data")
    return registry


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Path:
    folder = tmp_path / "project"
    (folder / "below").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def test_the_life_of_a_lockfile(registry, project, monkeypatch):
    lockfile = neurogister.open_lockfile(registry=registry.root)
    assert lockfile.path == project / "neurogister.lock"

    report = lockfile.add("lab/tests", dry_run=True)
    assert (report.written, lockfile.path.exists()) == (True, False)
    report = lockfile.add(["lab/tests", "dwi1:dwi.bvec"])
    assert [each.status for each in report.changes] == ["added", "added"]
    assert [each.short for each in lockfile.locked] == ["lab/tests", "scans/dwi:dwi.bvec"]

    monkeypatch.chdir("below")  # it is found from there, and names its registry itself
    lockfile = neurogister.open_lockfile()
    report = lockfile.sync(check=True)
    assert [one.path for one in report.pulled] == [
        project / "lab" / "tests", project / "scans" / "dwi" / "dwi.bvec",
    ]  # fmt: skip
    assert not lockfile.sync().changes
    assert [each.status for each in lockfile.check().checked] == ["same", "same"]

    registry.add_folder("scans/dwi", dwi_files(seed=5), id="dwi1")
    registry.commit("Another acquisition")
    (difference,) = lockfile.diff("dwi1:dwi.bvec")
    assert [new.path for _, new in difference.changed] == ["dwi.bvec"]
    assert [each.status for each in lockfile.upgrade("dwi1:dwi.bvec").changes] == ["changed"]
    assert lockfile.remove("lab/*").written
    assert [each.name for each in lockfile.locked] == ["scans/dwi"]


def test_what_was_withdrawn_is_in_the_report_and_then_refused(registry, project):
    lockfile = neurogister.open_lockfile("data.lock", registry=registry.root)
    lockfile.add("mni-T1")
    withdrawn = {"date": "2026-01-01", "reason": "a face in it"}
    registry.change_record("mni-T1", status="withdrawn", withdrawn=withdrawn)
    registry.commit("Withdraw")

    report = lockfile.check(dry_run=True)
    assert (report.marked, lockfile.locked[0].withdrawn) == (True, False)
    (error,) = lockfile.check().errors
    assert "a face in it" in str(error)
    with pytest.raises(RefusedError):
        lockfile.sync()


def test_errors(registry, project, tmp_path):
    lockfile = neurogister.open_lockfile(registry=registry.root)
    for call in (lockfile.sync, lockfile.upgrade, lockfile.check, lockfile.diff):
        with pytest.raises(NotFoundError, match=r"no neurogister\.lock here"):
            call()
    with pytest.raises(NotFoundError):
        _ = lockfile.locked
    lockfile.add("mni-T1")
    for call in (lockfile.sync, lockfile.upgrade, lockfile.check, lockfile.diff, lockfile.remove):
        with pytest.raises(UsageError, match="None stands for everything"):
            call([])
        with pytest.raises(NotFoundError, match="nothing is not in the lockfile"):
            call("nothing")
    with pytest.raises(NotFoundError):
        neurogister.open_lockfile(registry=tmp_path).add("mni-T1")
