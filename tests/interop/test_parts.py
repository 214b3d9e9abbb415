"""A part of a folder is all that is fetched; the rest can come later, or was there before."""

import pytest
from tests.factories import dwi_files, make_registry
from tests.faults import FaultServer
from tests.interop.checkouts import Checkout, pull
from tests.interop.test_history import files_below

from neurogister.errors import NotFoundError

FILES = dwi_files() | {
    "run-1/dwi.bval": b"1 1\n",
    "run-1/sub/deep.txt": b"deep\n",
    "run-2/dwi.bval": b"2 2\n",
    "run-10/x [1].txt": b"brackets\n",
    "a b/é (1).txt": b"accent\n",
}
PARTS = {
    "dwi.bval": {"dwi.bval"},
    "run-1": {"run-1/dwi.bval", "run-1/sub/deep.txt"},
    "run-1/": {"run-1/dwi.bval", "run-1/sub/deep.txt"},
    "run-1/sub/deep.txt": {"run-1/sub/deep.txt"},
    "*.bval": {"dwi.bval", "run-1/dwi.bval", "run-2/dwi.bval"},
    "run-*/dwi.*": {"run-1/dwi.bval", "run-2/dwi.bval"},
    "run-10/x [1].txt": {"run-10/x [1].txt"},
    "a b/é (1).txt": {"a b/é (1).txt"},
    "run-?/*": {"run-1/dwi.bval", "run-1/sub/deep.txt", "run-2/dwi.bval"},
}


@pytest.fixture
def server(tmp_path):
    with FaultServer(tmp_path / "objects") as server:
        yield server


def make(tmp_path, server, **options):
    registry = make_registry(tmp_path / "registry", objects=tmp_path / "objects", url=server.url)
    registry.add_folder("c/folder", FILES, **options)
    registry.add_file("c/file.txt", b"file\n")
    registry.add_package("vendor/package", ["c/file.txt", "c/folder"])
    registry.commit("Add a folder")
    return registry


def asked(server):
    """Return the objects that were asked for; none more than once."""
    paths = [request.path.lstrip("/") for request in server.find(methods="GET")]
    assert len(paths) == len(set(paths))
    return set(paths)


@pytest.mark.parametrize("part", PARTS)
def test_only_the_objects_of_a_part_are_fetched(tmp_path, server, part):
    registry = make(tmp_path, server)
    checkout = Checkout(registry.root)

    report = checkout.pull(f"c/folder:{part}")

    digests = registry.find("c/folder").digests
    wanted = {name: FILES[name] for name in PARTS[part]}
    assert files_below(checkout.data("c/folder")) == wanted
    assert asked(server) == {digests.files[name].key for name in wanted}
    assert report.fetched_files == len(wanted)
    assert report.pulled[0].files == len(wanted)


def test_without_a_manifest_the_listing_is_fetched_too(tmp_path, server):
    registry = make(tmp_path, server, record=False)
    checkout = Checkout(registry.root)

    checkout.pull("c/folder:run-2")

    digests = registry.find("c/folder").digests
    assert asked(server) == {digests.key, digests.files["run-2/dwi.bval"].key}
    assert files_below(checkout.data("c/folder")) == {"run-2/dwi.bval": b"2 2\n"}


def test_the_path_of_one_file_is_what_a_script_gets(tmp_path, server):
    registry = make(tmp_path, server)

    report = pull(registry.root, "c/folder:run-1/sub/deep.txt", into=tmp_path / "out")

    assert report.pulled[0].path == tmp_path / "out/c/folder/run-1/sub/deep.txt"
    assert report.pulled[0].path.read_bytes() == b"deep\n"


def test_a_part_of_a_package(tmp_path, server):
    registry = make(tmp_path, server)

    pull(registry.root, "vendor/package:folder/run-2", into=tmp_path / "out")

    assert files_below(tmp_path / "out") == {"vendor/package/folder/run-2/dwi.bval": b"2 2\n"}
    listing, *objects = (request.path for request in server.find(methods="GET"))
    assert listing.endswith(".dir")
    assert len(objects) == 1


def test_several_parts_at_once(tmp_path, server):
    registry = make(tmp_path, server)
    checkout = Checkout(registry.root)

    checkout.pull("c/folder:*.bval", "c/folder:dwi.*", "c/folder:run-1/dwi.bval")

    names = {"dwi.bval", "dwi.bvec", "dwi.nii.gz", "dwi.json", "run-1/dwi.bval", "run-2/dwi.bval"}
    assert files_below(checkout.data("c/folder")) == {name: FILES[name] for name in names}
    assert len(asked(server)) == len(names)


def test_parts_and_then_the_whole(tmp_path, server):
    registry = make(tmp_path, server)
    checkout = Checkout(registry.root)
    checkout.pull("c/folder:run-1")
    checkout.pull("c/folder:dwi.bval")
    before = {path: path.stat().st_ino for path in checkout.data("c/folder").rglob("*")}

    report = checkout.pull("c/folder")

    assert files_below(checkout.data("c/folder")) == FILES
    assert report.pulled[0].placed == len(FILES) - 3
    assert len(asked(server)) == len(FILES)
    assert {path: path.stat().st_ino for path in before} == before
    assert "up to date" in checkout.dvc(["status", "data/c/folder"])[0].ok()
    assert not checkout.pull("c/folder").changes


def test_the_whole_and_then_a_part(tmp_path, server):
    registry = make(tmp_path, server)
    checkout = Checkout(registry.root)
    checkout.pull("c/folder")
    server.reset()

    report = checkout.pull("c/folder:run-1", "c/folder:*.bvec")

    assert not report.changes
    assert [one.status for one in report.pulled] == ["unchanged", "unchanged"]
    assert server.requests == []
    assert files_below(checkout.data("c/folder")) == FILES


def test_a_file_of_the_whole_that_was_lost_comes_back_as_a_part(tmp_path, server):
    registry = make(tmp_path, server)
    checkout = Checkout(registry.root)
    checkout.pull("c/folder")
    checkout.data("c/folder/run-1/dwi.bval").unlink()
    server.reset()

    report = checkout.pull("c/folder:run-1/dwi.bval")

    assert report.pulled[0].placed == 1
    assert server.requests == []
    assert not checkout.pull("c/folder").changes


@pytest.mark.parametrize("part", ["none", "run", "../c/file.txt", "*.none", "run-1/sub/deep.txt/x"])
def test_a_part_that_there_is_not(tmp_path, server, part):
    registry = make(tmp_path, server)

    with pytest.raises(NotFoundError, match="has no file"):
        pull(registry.root, f"c/folder:{part}", into=tmp_path / "out")

    assert server.requests == []
    assert not (tmp_path / "out").exists()


def test_a_single_file_has_no_parts(tmp_path, server):
    registry = make(tmp_path, server)

    with pytest.raises(NotFoundError, match="is a single file"):
        pull(registry.root, "c/file.txt:part")


def test_the_whole_after_a_dry_run_of_a_part(tmp_path, server):
    registry = make(tmp_path, server)
    checkout = Checkout(registry.root)

    report = checkout.pull("c/folder:run-1", dry_run=True)

    assert report.changes
    assert server.requests == []
    assert not checkout.data("c/folder").exists()
