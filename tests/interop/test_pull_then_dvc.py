"""What neurogister pulled, dvc sees as its own: clean, in sync, nothing to do."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.factories import make_registry, random_files
from tests.interop.checkouts import (
    FILES,
    FOLDERS,
    PACKAGE,
    Checkout,
    check_content,
    expected_files,
    make_rich_registry,
    pull,
    traces,
)
from tests.servers import http_server, s3_server

KINDS = ("reflink", "hardlink", "symlink", "copy")


def check_dvc_is_content(checkout: Checkout, remote: Path, *targets: str) -> None:
    """Check that dvc finds all it looks at in order, and that none of its commands does a thing."""
    files, objects = checkout.files(), traces(remote)
    named = [f"data/{target}" for target in targets]
    done = checkout.dvc(
        ["status", *named],
        ["status", "--cloud", *named],
        ["data", "status", *named],
        ["pull", *named],
        ["push", *named],
        ["checkout", *named],
    )
    status, cloud, data, pulled, pushed, checked_out = (each.ok() for each in done)
    assert "up to date" in status
    assert "in sync" in cloud
    assert "No changes." in data
    assert "Everything is up to date." in pulled
    assert "Everything is up to date." in pushed
    assert checked_out.strip() == ""
    if not targets:  # else dvc fetches the listings that it does not find
        collected, again = checkout.dvc("gc --workspace --force", "status")
        assert "Removed" not in collected.ok()
        assert "up to date" in again.ok()
    assert checkout.files() == files
    assert traces(remote) == objects


@pytest.mark.parametrize("kind", KINDS)
def test_everything_with_each_kind_of_link(tmp_path, kind):
    registry = make_rich_registry(tmp_path / "registry")
    registry.set_config({"cache": {"type": kind}})
    registry.commit("Choose a kind of link")
    checkout = Checkout(registry.root)

    checkout.pull()

    check_content(registry.root, expected_files())
    check_dvc_is_content(checkout, registry.objects)
    assert checkout.verify() == {"ok"}


@pytest.mark.parametrize("kind", ["hardlink", "symlink", "copy"])
def test_files_are_linked_as_the_configuration_says(tmp_path, kind):
    registry = make_rich_registry(tmp_path / "registry")
    registry.set_config({"cache": {"type": kind}})
    checkout = Checkout(registry.root)

    checkout.pull()

    t1 = checkout.data("mni152/t1.nii.gz")
    cached = checkout.cache / registry.find("mni152/t1.nii.gz").digests.key
    assert t1.is_symlink() == (kind == "symlink")
    assert (t1.lstat().st_ino == cached.stat().st_ino) == (kind == "hardlink")
    assert (t1.stat().st_mode & 0o222 == 0) == (kind != "copy")


@pytest.mark.parametrize("kind", KINDS)
def test_an_executable_can_be_run_and_the_object_in_the_cache_cannot(tmp_path, kind):
    registry = make_rich_registry(tmp_path / "registry")
    registry.set_config({"cache": {"type": kind}})
    checkout = Checkout(registry.root)

    checkout.pull("mni152/run.sh")

    assert checkout.data("mni152/run.sh").stat().st_mode & 0o111
    cached = checkout.cache / registry.find("mni152/run.sh").digests.key
    assert cached.stat().st_mode & 0o777 == 0o444


@contextmanager
def _s3(folder: Path) -> Iterator[tuple[Path, str, dict[str, str]]]:
    with s3_server(folder) as server:
        yield server.bucket("bucket") / "store", "s3://bucket/store", server.dvc_options


@contextmanager
def _http(folder: Path) -> Iterator[tuple[Path, str, dict[str, str]]]:
    with http_server(folder) as server:
        yield folder / "store", f"{server.url}/store", {}


@pytest.mark.parametrize("serve", [_s3, _http])
def test_everything_from_a_server(tmp_path, serve: Callable):
    with serve(tmp_path / "server") as (objects, url, options):
        registry = make_rich_registry(tmp_path / "registry", objects=objects, url=url)
        registry.remote_url(url, options)
        registry.commit("Say where the server is")
        checkout = Checkout(registry.root)

        checkout.pull()

        check_content(registry.root, expected_files())
        check_dvc_is_content(checkout, objects)


@pytest.mark.parametrize("name", ["mni152/t1.nii.gz", "sub-01/dwi", "sub-01/none"])
def test_one_dataset_alone(tmp_path, name):
    registry = make_rich_registry(tmp_path / "registry")
    checkout = Checkout(registry.root)

    checkout.pull(name)

    files = {path for path in expected_files() if path.startswith(f"data/{name}")}
    assert {
        path.relative_to(registry.root).as_posix()
        for path in registry.root.joinpath("data").rglob("*")
        if path.is_file() and path.suffix not in (".dvc", ".csv", ".yaml") and path.name[0] != "."
    } == files
    check_dvc_is_content(checkout, registry.objects, name)


def test_a_package_alone(tmp_path):
    registry = make_rich_registry(tmp_path / "registry")
    checkout = Checkout(registry.root)

    checkout.pull(PACKAGE)

    files = {path: data for path, data in expected_files().items() if path.startswith("store/")}
    check_content(registry.root, files)
    status, pulled = checkout.dvc(["status", f"store/{PACKAGE}"], ["pull", f"store/{PACKAGE}"])
    assert "up to date" in status.ok()
    assert "Everything is up to date." in pulled.ok()


def test_a_registry_of_somebody_else(tmp_path):
    registry = make_rich_registry(tmp_path / "registry", plain=True)
    checkout = Checkout(registry.root)

    checkout.pull()

    check_content(registry.root, expected_files())
    check_dvc_is_content(checkout, registry.objects)


LEGACY = {
    "old/dos.txt": b"one\r\ntwo\r\n",
    "old/unix.txt": b"five\nsix\n",
    "old/mixed.txt": b"one\r\ntwo\nthree\r",
    "old/dos.bin": b"\0one\r\ntwo\r\n",
    "old/empty.txt": b"",
}


def make_legacy_registry(root: Path):
    registry = make_registry(root, legacy=True, plain=True)
    for name, data in LEGACY.items():
        registry.add_file(name, data, record=False)
    registry.add_folder(
        "old/folder", {"a.txt": b"x\r\ny\r\n", "b c/d.bin": b"\0\r\n"}, record=False
    )
    registry.commit("Add data as DVC 2 did")
    return registry


@pytest.mark.parametrize("kind", ["symlink", "copy"])
def test_pointers_of_dvc_2(tmp_path, kind):
    registry = make_legacy_registry(tmp_path / "registry")
    registry.set_config({"cache": {"type": kind}})
    registry.commit("Choose a kind of link")
    checkout = Checkout(registry.root)

    checkout.pull()

    check_content(registry.root, {f"data/{name}": data for name, data in LEGACY.items()})
    digests = registry.find("old/dos.bin").digests
    assert (checkout.cache / digests.md5[:2] / digests.md5[2:]).is_file()
    assert not any(path.is_file() for path in checkout.cache.joinpath("files").rglob("*"))
    check_dvc_is_content(checkout, registry.objects)
    assert checkout.verify() == {"ok"}


def test_pointers_of_dvc_2_and_3_in_one_registry(tmp_path):
    registry = make_legacy_registry(tmp_path / "registry")
    registry.add_file("new/dos.txt", LEGACY["old/dos.txt"], legacy=False)
    registry.commit("Add the same data as DVC 3 does")
    checkout = Checkout(registry.root)

    checkout.pull()

    check_content(registry.root, {"data/new/dos.txt": LEGACY["old/dos.txt"]})
    check_dvc_is_content(checkout, registry.objects)


def test_a_cache_that_two_checkouts_and_a_group_share(tmp_path):
    registry = make_rich_registry(tmp_path / "one")
    shared = tmp_path / "shared"
    registry.git("clone", "--quiet", str(registry.root), str(tmp_path / "two"))
    local = f"[cache]\n    dir = {shared}\n    shared = group\n    type = hardlink\n"
    checkouts = [Checkout(tmp_path / name) for name in ("one", "two")]
    for checkout in checkouts:
        (checkout.root / ".dvc" / "config.local").write_text(local)

    checkouts[0].pull()
    objects = {path: trace for path, trace in traces(shared).items() if "/files/" in path}
    shutil.rmtree(registry.objects)
    checkouts[1].pull()

    for checkout in checkouts:
        check_content(checkout.root, expected_files())
        status, data = checkout.dvc("status", "data status")
        assert "up to date" in status.ok()
        assert "No changes." in data.ok()
    assert {path: trace for path, trace in traces(shared).items() if "/files/" in path} == objects
    for path in shared.rglob("*"):
        mode = path.lstat().st_mode & 0o7777
        if path.is_dir():
            assert mode == 0o2775, path
        elif "/files/" in str(path):
            assert mode == 0o444, path
        elif path.suffix == ".lock":
            assert mode & 0o060 == 0o060, path


def test_a_cache_in_another_place_of_the_registry(tmp_path):
    registry = make_rich_registry(tmp_path / "registry")
    registry.set_config({"cache": {"dir": "../objects"}})
    registry.write(".gitignore", "/objects\n")
    registry.commit("Move the cache")
    checkout = Checkout(registry.root)

    checkout.pull()

    assert not checkout.cache.exists()
    check_dvc_is_content(checkout, registry.objects)


def test_our_unfinished_work_in_the_cache_does_not_disturb_dvc(tmp_path):
    registry = make_rich_registry(tmp_path / "registry")
    checkout = Checkout(registry.root)
    checkout.pull()
    md5 = registry.find("mni152/t1.nii.gz").digests.md5
    for name in (f"partial/{md5}", f"partial/{md5}.lock", f"tmp/{md5}.abcdef", f"tmp/ab/{md5[2:]}"):
        path = checkout.cache / "neurogister" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")

    check_dvc_is_content(checkout, registry.objects)

    assert (checkout.cache / "neurogister" / "partial" / md5).read_bytes() == b"half"


def test_dvc_gc_removes_what_no_pointer_needs_and_we_bring_it_back(tmp_path):
    registry = make_rich_registry(tmp_path / "registry")
    checkout = Checkout(registry.root)
    checkout.pull()
    checkout.data("sub-01/dwi.dvc").unlink()
    shutil.rmtree(checkout.data("sub-01/dwi"))
    registry.commit("Drop a dataset")
    collected = checkout.dvc("gc --workspace --force")[0].ok()
    assert "Removed" in collected
    registry.git("reset", "--quiet", "--hard", "HEAD~1")

    checkout.pull()

    check_content(registry.root, expected_files())
    check_dvc_is_content(checkout, registry.objects)


def test_the_registry_as_it_is_delivered_elsewhere_is_not_known_to_dvc(tmp_path):
    registry = make_rich_registry(tmp_path / "registry")
    registry.set_config({"cache": {"type": "symlink"}})

    pull(registry.root, into=tmp_path / "out")

    for name, data in FILES.items():
        path = tmp_path / "out" / name
        assert path.read_bytes() == data
        assert not path.is_symlink()
        assert path.stat().st_nlink == 1
    assert (tmp_path / "out" / "sub-01/dwi/dwi.bval").read_bytes() == (
        FOLDERS["sub-01/dwi"]["dwi.bval"]
    )
    assert not any((registry.root / f"data/{name}").exists() for name in FILES)


def test_many_files_in_many_folders(tmp_path):
    files = random_files(300, largest=300)
    registry = make_registry(tmp_path / "registry")
    registry.add_folder("many/files", files)
    registry.commit("Add many files")
    checkout = Checkout(registry.root)

    checkout.pull()

    check_content(registry.root, {f"data/many/files/{name}": data for name, data in files.items()})
    check_dvc_is_content(checkout, registry.objects)
