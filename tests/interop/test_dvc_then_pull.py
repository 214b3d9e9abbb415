"""What dvc pulled, neurogister takes as it is, without asking anybody; and half-and-half."""

import shutil

import pytest
from tests.factories import make_registry
from tests.faults import FaultServer
from tests.interop.checkouts import (
    PACKAGE,
    Checkout,
    check_content,
    expected_files,
    make_rich_registry,
)
from tests.interop.test_pull_then_dvc import LEGACY, check_dvc_is_content, make_legacy_registry


@pytest.mark.parametrize("kind", ["hardlink", "symlink", "copy"])
def test_there_is_nothing_left_to_do_and_nobody_is_asked(tmp_path, kind):
    with FaultServer(tmp_path / "objects") as server:
        registry = make_rich_registry(
            tmp_path / "registry", objects=tmp_path / "objects", url=server.url
        )
        registry.set_config({"cache": {"type": kind}})
        checkout = Checkout(registry.root)
        checkout.dvc("pull")[0].ok()
        server.reset()
        files = checkout.files()

        first = checkout.pull()
        second = checkout.pull()

        assert not second.changes
        assert server.requests == []
        # dvc cannot run what it links; we make it a copy that can be run
        allowed = {str(checkout.data("mni152/run.sh"))} if kind != "copy" else set()
        changed = {path for path, trace in checkout.files().items() if files.get(path) != trace}
        assert changed <= allowed
        assert {one.name for one in first.pulled if one.placed} <= {"mni152/run.sh"}
        assert checkout.verify() == {"ok"}


def test_the_command_says_so(tmp_path):
    registry = make_rich_registry(tmp_path / "registry")
    checkout = Checkout(registry.root)
    checkout.dvc("pull")[0].ok()

    done = checkout.neurogister("pull", "--offline")

    assert done.status == 0
    assert "nothing to do" in done.errors
    assert checkout.neurogister("verify").status == 0


def test_the_same_for_pointers_of_dvc_2(tmp_path):
    registry = make_legacy_registry(tmp_path / "registry")
    checkout = Checkout(registry.root)
    checkout.dvc("pull")[0].ok()
    files = checkout.files()

    report = checkout.pull(offline=True)

    assert not report.changes
    assert checkout.files() == files
    assert checkout.verify() == {"ok"}


def test_what_dvc_added_here_needs_no_pull(tmp_path):
    registry = make_registry(tmp_path / "registry")
    checkout = Checkout(registry.root)
    folder = checkout.data("mine/folder")
    (folder / "a b").mkdir(parents=True)
    (folder / "a b" / "é.txt").write_text("x\r\ny", "utf-8")
    (folder / "none").touch()
    (folder.parent / "tool").write_text("#!/bin/sh\n")
    (folder.parent / "tool").chmod(0o755)
    checkout.dvc(["add", "data/mine/folder", "data/mine/tool"])[0].ok()
    registry.commit("Add with dvc")

    report = checkout.pull()

    assert {one.name: one.status for one in report.pulled} == {
        "mine/folder": "unchanged",
        "mine/tool": "unchanged",
    }
    assert checkout.verify() == {"ok"}


def test_half_of_it_came_by_dvc(tmp_path):
    with FaultServer(tmp_path / "objects") as server:
        registry = make_rich_registry(
            tmp_path / "registry", objects=tmp_path / "objects", url=server.url
        )
        checkout = Checkout(registry.root)
        checkout.dvc(["pull", "data/sub-01/dwi", "data/mni152/t1.nii.gz"])[0].ok()
        before = checkout.files()
        server.reset()

        checkout.pull()

        check_content(registry.root, expected_files())
        after = checkout.files()
        assert {path: after[path] for path in before} == before
        dwi = registry.find("sub-01/dwi").digests
        assert not any(
            server.find(f"/{each.key}") for each in (dwi, *dwi.files.values()) if each.size
        )
        check_dvc_is_content(checkout, registry.objects)


def test_half_of_it_came_by_us(tmp_path):
    registry = make_rich_registry(tmp_path / "registry")
    checkout = Checkout(registry.root)
    checkout.pull("sub-01/dwi", "mni152/t1.nii.gz")
    before = checkout.files()

    checkout.dvc("pull")[0].ok()

    check_content(registry.root, expected_files())
    after = checkout.files()
    assert {path: after[path] for path in before} == before
    assert not checkout.pull(offline=True).changes
    check_dvc_is_content(checkout, registry.objects)


def test_files_of_one_folder_that_are_missing_are_all_that_is_put(tmp_path):
    registry = make_rich_registry(tmp_path / "registry")
    checkout = Checkout(registry.root)
    checkout.dvc("pull")[0].ok()
    checkout.data("sub-01/dwi/dwi.bval").unlink()
    shutil.rmtree(checkout.data("sub-01/dwi/deep er"))
    before = checkout.files()

    report = checkout.pull(offline=True)

    assert {one.name: one.placed for one in report.pulled if one.placed} == {"sub-01/dwi": 2}
    after = checkout.files()
    assert {path: after[path] for path in before} == before
    check_content(registry.root, expected_files())


def test_dvc_fetch_is_enough_for_us(tmp_path):
    registry = make_rich_registry(tmp_path / "registry")
    checkout = Checkout(registry.root)
    checkout.dvc("fetch")[0].ok()
    shutil.rmtree(registry.objects)

    report = checkout.pull(PACKAGE, "sub-01/dwi", offline=True)

    assert report.fetched_files == 0
    wanted = ("store/", "data/sub-01/dwi")
    check_content(
        registry.root,
        {path: data for path, data in expected_files().items() if path.startswith(wanted)},
    )


def test_dvc_get_and_import_read_what_the_factories_make(tmp_path):
    """The registries of these tests are true to life: dvc reads them from outside too."""
    registry = make_legacy_registry(tmp_path / "registry")
    elsewhere = Checkout(tmp_path)

    got = elsewhere.dvc(["get", str(registry.root), "data/old/dos.txt"])[0]

    got.ok()
    assert (tmp_path / "dos.txt").read_bytes() == LEGACY["old/dos.txt"]
