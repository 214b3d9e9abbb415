"""What neurogister deposited, dvc takes for its own; and what dvc does to it keeps our record."""

import shutil
import subprocess

import pytest
from tests.depositing import Lab
from tests.factories import dwi_files, nifti_bytes
from tests.interop.checkouts import Checkout
from tests.servers import FAST, s3_server

import neurogister
from neurogister.actions.modify import Modification, modify
from neurogister.actions.rename import rename
from neurogister.actions.withdraw import withdraw
from neurogister.model.table import Said

FOLDER = {**dwi_files(), "deep er/naïve/脳.txt": b"brain\n", "empty": b""}


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


def fill(lab, **options):
    """Deposit one of each."""
    lab.put("t1.nii.gz", nifti_bytes(), title="T", metadata={"age": 6}, **options)
    lab.put("empty.txt", b"", to="c/below", **options)
    lab.deposit(lab.folder("dwi", FOLDER), **options)


def check_dvc_is_content(lab, *, old_versions=False):
    """Check that dvc finds all in order, and that its commands find nothing to do.

    What only old versions have, its garbage collection removes from the cache, as it always does.
    """
    checkout = Checkout(lab.root)
    before = lab.tree()
    done = checkout.dvc(
        "status", "data status", "push", "status --cloud", "pull", "checkout",
        "gc --workspace --force", "status",
    )  # fmt: skip
    status, data, _, cloud, pulled, checked_out, collected, again = (each.ok() for each in done)
    assert "up to date" in status
    assert "not in cache" not in data.lower()
    assert "modified" not in data
    assert "deleted" not in data
    assert "in sync" in cloud
    assert "Everything is up to date." in pulled
    assert checked_out.strip() == ""
    assert ("Removed" in collected) == old_versions
    assert "up to date" in again
    assert lab.tree() == before


def pull_fresh(lab, tmp_path, *names):
    """Return the data that real dvc brings to a fresh clone."""
    clone = tmp_path / "clone"
    if clone.exists():
        shutil.rmtree(clone)
    subprocess.run(["git", "clone", "--quiet", lab.root, clone], check=True)
    if (lab.root / ".dvc/config.local").exists():
        shutil.copy(lab.root / ".dvc/config.local", clone / ".dvc/config.local")
    [done] = Checkout(clone).dvc(["pull", *names])
    done.ok()
    data = {p.relative_to(clone / "data").as_posix(): p.read_bytes()
            for p in (clone / "data").rglob("*") if p.is_file()}  # fmt: skip
    ends = (".dvc", ".csv", ".yaml", ".gitignore")
    return {name: content for name, content in data.items() if not name.endswith(ends)}


EXPECTED = {
    "c/t1.nii.gz": nifti_bytes(), "c/below/empty.txt": b"",
    **{f"c/dwi/{name}": data for name, data in FOLDER.items()},
}  # fmt: skip


@pytest.mark.parametrize("kind", ["reflink,copy", "hardlink", "symlink", "copy"])
def test_one_of_each(lab, tmp_path, kind):
    lab.registry.set_config({"cache": {"type": kind}})
    lab.registry.commit()
    fill(lab)
    lab.registry.commit()
    check_dvc_is_content(lab)
    assert pull_fresh(lab, tmp_path) == EXPECTED


def test_after_our_push_dvc_has_nothing_to_push(lab, tmp_path):
    with s3_server(tmp_path / "s3", options=FAST) as server:
        server.bucket("bucket")
        lab.registry.remote_url("s3://bucket/store", server.dvc_options)
        lab.registry.commit()
        fill(lab, push=True, commit=True)
        pushed, cloud = Checkout(lab.root).dvc("push", "status --cloud")
        assert "Everything is up to date." in pushed.ok()
        assert "in sync" in cloud.ok()
        assert pull_fresh(lab, tmp_path) == EXPECTED
        check_dvc_is_content(lab)


def test_after_each_verb(lab, tmp_path):
    fill(lab, commit=True, push=True)
    lab.put("t1.nii.gz", b"new", new_version="t1", commit=True, push=True)
    lab.deposit(lab.folder("dwi2", {"x": b"x"}), new_version="dwi", commit=True, push=True)
    check_dvc_is_content(lab, old_versions=True)
    with lab.session() as session:
        modify(session, ["*"], Modification(said=Said(title="All")), commit=True)
        rename(session, "dwi", "other/place", new_collection=True, commit=True)
        withdraw(session, ["empty"], "why", commit=True)
    check_dvc_is_content(lab, old_versions=True)  # and what was withdrawn
    assert pull_fresh(lab, tmp_path) == {"c/t1.nii.gz": b"new", "other/place/x": b"x"}
    lab.git("checkout", "--quiet", "HEAD~5")
    assert pull_fresh(lab, tmp_path) == EXPECTED


def test_dvc_add_sees_what_we_wrote_as_its_own(lab):
    """The pointer that `dvc add` writes of the same data differs in our block only."""
    fill(lab)
    before = {p: p.read_bytes() for p in (lab.root / "data").rglob("*.dvc")}
    done = Checkout(lab.root).dvc(
        "add data/c/t1.nii.gz", "add data/c/dwi", "add data/c/below/empty.txt",
        "commit -f data/c/t1.nii.gz.dvc",
    )  # fmt: skip
    for each in done:
        each.ok()
    assert {p: p.read_bytes() for p in (lab.root / "data").rglob("*.dvc")} == before
    assert (lab.root / "data/c/.gitignore").read_text() == "/t1.nii.gz\n/dwi\n"


def test_our_record_survives_what_dvc_does(lab):
    fill(lab, commit=True)
    place = lab.root / "data/c/t1.nii.gz"
    record = lab.record("c/t1.nii.gz")
    place.unlink()
    place.write_bytes(b"changed")
    added, moved = Checkout(lab.root).dvc(
        "add data/c/t1.nii.gz", "move data/c/t1.nii.gz data/c/moved.nii.gz"
    )
    added.ok()
    moved.ok()
    assert lab.record("c/moved.nii.gz") == record
    lab.registry.commit()
    with neurogister.open(lab.root) as registry:
        assert registry["t1"].name == "c/moved.nii.gz"
    # what dvc changed behind our back becomes a version of its own
    one = lab.deposit(lab.root / "data/c/moved.nii.gz", new_version="t1").deposited[0]
    assert one.version in (1, 2)


def test_a_dataset_that_dvc_made_gets_a_record(lab):
    lab.registry.write("data/c/plain.bin", b"plain")
    added, _ = Checkout(lab.root).dvc("add data/c/plain.bin", "status")
    added.ok()
    lab.registry.commit()
    one = lab.put("x.bin", b"second", new_version="c/plain.bin", commit=True)
    assert (one.id, one.version) == ("plain", 2)
    check_dvc_is_content(lab, old_versions=True)


def test_packages_stay_as_they_are(lab):
    fill(lab, commit=True, push=True)
    lab.registry.add_file("c/member.bin", b"member", id="member", checkout=True)
    lab.registry.add_vendor("lab")
    lab.registry.add_package("lab/tests", ["member"])
    lab.registry.commit()
    before = {p: p.read_bytes() for p in (lab.root / "store").rglob("*") if p.is_file()}
    lab.put("m.bin", b"newer", new_version="member", commit=True, push=True)
    with lab.session() as session:
        rename(session, "t1", "c/t1w.nii.gz", commit=True)
    assert {p: p.read_bytes() for p in (lab.root / "store").rglob("*") if p.is_file()} == before
    fetched, status = Checkout(lab.root).dvc("pull", "status")
    fetched.ok()
    assert "up to date" in status.ok()
