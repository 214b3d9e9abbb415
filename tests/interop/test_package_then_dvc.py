"""What neurogister releases, dvc takes for its own; nothing of it was on disk."""

import shutil
from pathlib import Path

import pytest
from tests.factories import dwi_files, make_registry, nifti_bytes
from tests.interop.checkouts import Checkout, check_content
from tests.servers import FAST, s3_server

import neurogister

T1, DWI = nifti_bytes(seed=1), {**dwi_files(), "deep er/é.txt": b"x"}
PACKAGE = "store/physics/lab/tests"
FILES = {"t1.nii.gz": T1, "bvals": DWI["dwi.bval"], "deep/é.txt": b"x"}
MEMBERS = ["t1", "dwi:dwi.bval=bvals", "dwi:deep er=deep"]


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A registry in S3 with a package that was released, added to, and moved; only to look at."""
    folder = tmp_path_factory.mktemp("released")
    registry = make_registry(folder / "registry", objects=folder / "s3" / "bucket")
    registry.add_file("scans/t1.nii.gz", T1, id="t1")
    registry.add_folder("scans/dwi", DWI, id="dwi")
    with s3_server(folder / "s3", options=FAST) as server:
        registry.remote_url("s3://bucket", {}, local=server.dvc_options)
        registry.commit("Add data")
        with neurogister.open(registry.root) as opened:
            opened.add_vendor("lab", commit=True)
            opened.create_package("lab/tests", ["t1"], purpose="tests")
            opened.release("lab/tests", "1.0.0", commit=True)
            opened.move_vendor("lab", "physics", commit=True)
            opened.remove_members("lab/tests", "t1")
            opened.add_members("lab/tests", MEMBERS)
            opened.release("lab/tests", "1.1.0", commit=True)
        assert not (registry.root / PACKAGE).exists()
        yield registry


@pytest.fixture
def clone(released, tmp_path):
    """A fresh clone with the credentials, and no cache."""
    root = tmp_path / "clone"
    released.git("clone", "--quiet", str(released.root), str(root))
    shutil.copy(released.root / ".dvc/config.local", root / ".dvc/config.local")
    return Checkout(root)


def test_pull_status_list_and_gc(clone):
    pulled, status, listed, collected, again = clone.dvc(
        ["pull", PACKAGE],
        ["status", f"{PACKAGE}.dvc"],
        ["list", "-R", ".", PACKAGE],
        ["gc", "-w", "--force"],
        ["status", "-c", f"{PACKAGE}.dvc"],
    )
    pulled.ok()
    check_content(clone.root / PACKAGE, FILES)
    assert "up to date" in status.ok()
    assert listed.ok().split() == ["bvals", "deep/é.txt", "t1.nii.gz"]
    collected.ok()
    assert "in sync" in again.ok()
    report = clone.pull("lab/tests", offline=True)
    assert not report.changes


def test_gc_keeps_a_package_that_is_not_here(clone):
    clone.pull("lab/tests", into=clone.root.parent / "out")
    clone.dvc(["gc", "-w", "--force"])[0].ok()
    assert not clone.pull("lab/tests", into=clone.root.parent / "again", offline=True).errors


def test_get_import_and_add(clone, tmp_path, released):
    other = Checkout(make_registry(tmp_path / "other", plain=True).root)
    got, imported, added = other.dvc(
        ["get", str(clone.root), PACKAGE, "-o", "got"],
        ["import", str(clone.root), PACKAGE, "-o", "imported"],
        ["add", "got"],
    )
    got.ok()
    imported.ok()
    added.ok()
    for name in ("got", "imported"):
        check_content(other.root / name, FILES)
    lines = [line.strip("- ") for line in Path(other.root / "got.dvc").read_text().splitlines()]
    pointer = (released.root / f"{PACKAGE}.dvc").read_text()
    assert all(line in pointer for line in lines if line != "path: got")


def test_a_package_that_dvc_pulled_may_move_and_be_released_again(clone):
    clone.dvc(["pull", PACKAGE])[0].ok()
    with neurogister.open(clone.root) as opened:
        opened.move_vendor("lab", None, commit=True)
        opened.add_members("lab/tests", "dwi:dwi.bvec=bvecs")
        opened.release("lab/tests", "1.2.0", push=False, commit=True)
    moved, pulled = clone.dvc(["status", "store/lab/tests.dvc"], ["pull", "store/lab/tests"])
    assert "changed outs" in moved.ok(), "it still has the files of 1.1.0"
    pulled.ok()
    check_content(clone.root / "store/lab/tests", FILES | {"bvecs": DWI["dwi.bvec"]})
