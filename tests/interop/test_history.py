"""States over time: a work tree that goes back and forth, old versions by name, revisions."""

import shutil

import pytest
from tests.factories import make_registry
from tests.interop.checkouts import Checkout, contents, pull

from neurogister.errors import NotFoundError, RefusedError

ONE = {"same.txt": b"same\n", "changed.txt": b"one\n", "gone/old.txt": b"gone\n"}
TWO = {"same.txt": b"same\n", "changed.txt": b"two\n", "come/new.txt": b"come\n"}


def make_registry_with_history(root, **options):
    """Two versions of a folder, a file and a package; the tags are v1 and v2."""
    registry = make_registry(root, **options)
    record = not options.get("plain")
    registry.add_folder("c/folder", ONE, record=record)
    registry.add_file("c/file.txt", b"file one\n", record=record)
    registry.add_package("vendor/package", ["c/file.txt", "c/folder"], version="1.0.0")
    registry.commit("Version 1", tag="v1")
    registry.new_version("c/folder", TWO)
    registry.new_version("c/file.txt", b"file two\n")
    registry.add_package("vendor/package", ["c/file.txt", "c/folder"], version="2.0.0")
    registry.commit("Version 2", tag="v2")
    return registry


def files_below(folder):
    """Return the files below a folder, by their relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def is_clean(checkout):
    status, data = checkout.dvc("status", "data status")
    return "up to date" in status.ok() and "No changes." in data.ok()


# The work tree follows git.


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ({}, "hardlink"),
        ({}, "symlink"),
        ({}, "copy"),
        ({"plain": True}, "copy"),
        ({"plain": True, "legacy": True}, "copy"),
    ],
    ids=str,
)
def test_the_work_tree_goes_back_and_forth_with_git(tmp_path, form, kind):
    registry = make_registry_with_history(tmp_path / "registry", **form)
    registry.write(".dvc/config.local", f"[cache]\n    type = {kind}\n")
    checkout = Checkout(registry.root)
    checkout.pull()

    for tag, files, file in [("v1", ONE, b"file one\n"), ("v2", TWO, b"file two\n")]:
        registry.git("checkout", "--quiet", tag)
        checkout.pull()

        assert files_below(checkout.data("c/folder")) == files
        assert checkout.data("c/file.txt").read_bytes() == file
        assert is_clean(checkout)
        assert not checkout.pull(offline=True).changes


def test_what_dvc_checked_out_is_replaced_too(tmp_path):
    registry = make_registry_with_history(tmp_path / "registry")
    checkout = Checkout(registry.root)
    checkout.dvc("pull")[0].ok()
    registry.git("checkout", "--quiet", "v1")

    checkout.pull()

    assert files_below(checkout.data("c/folder")) == ONE
    assert is_clean(checkout)


def test_a_published_version_is_replaced_though_the_cache_has_forgotten_it(tmp_path):
    registry = make_registry_with_history(tmp_path / "registry")
    checkout = Checkout(registry.root)
    checkout.pull("c/file.txt@1")
    shutil.rmtree(checkout.cache)

    checkout.pull("c/file.txt")

    assert checkout.data("c/file.txt").read_bytes() == b"file two\n"


# Files that only the other version has.


def test_a_file_of_another_version_goes_with_its_folder(tmp_path):
    registry = make_registry_with_history(tmp_path / "registry")
    checkout = Checkout(registry.root)
    registry.git("checkout", "--quiet", "v1")
    checkout.pull()
    registry.git("checkout", "--quiet", "v2")

    report = checkout.pull("c/folder")

    assert not checkout.data("c/folder/gone").exists()
    assert report.changes
    old = registry.object_path(registry.find("c/folder").digests)
    assert old.exists()  # in the remote nothing is ever removed
    registry.git("checkout", "--quiet", "v1")
    checkout.pull("c/folder", offline=True)
    assert files_below(checkout.data("c/folder")) == ONE


def test_it_goes_also_if_nothing_else_changes(tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_folder("c/folder", {"a": b"a", "b": b"b"})
    registry.commit("Two files", tag="v1")
    registry.new_version("c/folder", {"a": b"a"})
    registry.commit("One file", tag="v2")
    checkout = Checkout(registry.root)
    registry.git("checkout", "--quiet", "v1")
    checkout.pull()
    registry.git("checkout", "--quiet", "v2")

    planned = checkout.pull(dry_run=True)
    assert planned.changes
    assert checkout.data("c/folder/b").exists()
    report = checkout.pull()

    assert report.pulled[0].status == "pulled"
    assert files_below(checkout.data("c/folder")) == {"a": b"a"}
    assert is_clean(checkout)


@pytest.mark.parametrize("kind", ["hardlink", "copy"])
def test_a_file_of_the_user_stays_whatever_its_name(tmp_path, kind):
    registry = make_registry_with_history(tmp_path / "registry")
    registry.set_config({"cache": {"type": kind}})
    registry.commit("Choose a kind of link", tag="v3")
    checkout = Checkout(registry.root)
    checkout.pull("c/folder@1")
    folder = checkout.data("c/folder")
    (folder / "gone" / "old.txt").unlink()
    (folder / "gone" / "old.txt").write_bytes(b"mine now\n")
    (folder / "gone" / "mine.txt").write_bytes(b"gone\n")  # content of another version, other name
    (folder / "notes.txt").write_bytes(b"my notes\n")
    (folder / "link").symlink_to("notes.txt")
    (folder / "empty").mkdir()

    checkout.pull("c/folder")

    assert files_below(folder) == TWO | {
        "gone/old.txt": b"mine now\n",
        "gone/mine.txt": b"gone\n",
        "notes.txt": b"my notes\n",
        "link": b"my notes\n",
    }
    assert (folder / "link").is_symlink()
    assert (folder / "empty").is_dir()


def test_a_file_of_another_version_stays_if_no_cache_keeps_it(tmp_path):
    registry = make_registry_with_history(tmp_path / "registry")
    checkout = Checkout(registry.root)
    checkout.pull("c/folder@1")
    digests = registry.find("c/folder").digests
    assert "gone/old.txt" not in digests.files
    for path in checkout.cache.joinpath("files").rglob("*"):
        if path.is_file() and path.read_bytes() == ONE["gone/old.txt"]:
            path.unlink()

    checkout.pull("c/folder")

    assert files_below(checkout.data("c/folder")) == TWO | {"gone/old.txt": ONE["gone/old.txt"]}


def test_a_part_removes_nothing(tmp_path):
    registry = make_registry_with_history(tmp_path / "registry")
    checkout = Checkout(registry.root)
    checkout.pull("c/folder@1")

    checkout.pull("c/folder:changed.txt")

    assert files_below(checkout.data("c/folder")) == ONE | {"changed.txt": b"two\n"}


def test_outside_the_work_tree_nothing_is_removed(tmp_path):
    registry = make_registry_with_history(tmp_path / "registry")
    pull(registry.root, "c/folder@1", into=tmp_path / "out")

    pull(registry.root, "c/folder@2", into=tmp_path / "out")

    assert files_below(tmp_path / "out" / "c" / "folder") == ONE | TWO


# Versions by name.


@pytest.mark.parametrize("plain", [False, True], ids=["ledger", "history"])
@pytest.mark.parametrize("manifest", [True, False])
def test_an_old_version_by_name(tmp_path, plain, manifest):
    registry = make_registry_with_history(tmp_path / "registry", plain=plain)
    if not manifest:
        for path in registry.root.joinpath("data").rglob("*.manifest.csv"):
            path.unlink()
        registry.commit("Remove manifests")
    checkout = Checkout(registry.root)

    with_versions = [checkout.pull("c/folder@1", "c/file.txt@1")]

    assert [one.version for one in with_versions[0].pulled] == ["1", "1"]
    assert files_below(checkout.data("c/folder")) == ONE
    assert checkout.data("c/file.txt").read_bytes() == b"file one\n"
    assert "c/folder" in checkout.dvc("status")[0].ok()  # dvc sees another state than the pointer's
    checkout.pull()
    assert files_below(checkout.data("c/folder")) == TWO
    assert is_clean(checkout)


@pytest.mark.parametrize("plain", [False, True], ids=["ledger", "history"])
def test_an_old_version_goes_to_another_folder_and_the_work_tree_stays(tmp_path, plain):
    registry = make_registry_with_history(tmp_path / "registry", plain=plain)
    checkout = Checkout(registry.root)
    checkout.pull()
    before = contents(registry.root)

    pull(registry.root, "c/folder@1", "c/file.txt@1", into=tmp_path / "out")

    assert files_below(tmp_path / "out") == {
        **{f"c/folder/{path}": data for path, data in ONE.items()},
        "c/file.txt": b"file one\n",
    }
    after = contents(registry.root)
    assert {path: after[path] for path in before if "/.dvc/" not in path} == {
        path: digest for path, digest in before.items() if "/.dvc/" not in path
    }


def test_an_old_version_of_a_package(tmp_path):
    registry = make_registry_with_history(tmp_path / "registry")
    checkout = Checkout(registry.root)

    checkout.pull("vendor/package@1.0.0")

    expected = {f"folder/{path}": data for path, data in ONE.items()}
    store = registry.root / "store" / "vendor" / "package"
    assert files_below(store) == expected | {"file.txt": b"file one\n"}
    checkout.pull("vendor/package")
    expected = {f"folder/{path}": data for path, data in TWO.items()}
    assert files_below(store) == expected | {"file.txt": b"file two\n"}
    assert "up to date" in checkout.dvc(["status", "store/vendor/package"])[0].ok()


def test_a_part_of_an_old_version(tmp_path):
    registry = make_registry_with_history(tmp_path / "registry")

    pull(registry.root, "c/folder@1:gone/", into=tmp_path / "out")

    assert files_below(tmp_path / "out") == {"c/folder/gone/old.txt": b"gone\n"}


def test_the_old_version_came_by_dvc_2_and_the_new_one_by_dvc_3(tmp_path):
    registry = make_registry(tmp_path / "registry", plain=True)
    registry.add_file("c/file.txt", b"one\r\n", record=False, legacy=True)
    registry.add_folder("c/folder", {"a.txt": b"a\r\n"}, record=False, legacy=True)
    registry.commit("As DVC 2", tag="v1")
    registry.add_file("c/file.txt", b"two\r\n", record=False, legacy=False)
    registry.add_folder("c/folder", {"a.txt": b"b\r\n"}, record=False, legacy=False)
    registry.commit("As DVC 3", tag="v2")

    pull(registry.root, "c/file.txt@1", "c/folder@1", into=tmp_path / "one")
    pull(registry.root, "c/file.txt@2", "c/folder@2", into=tmp_path / "two")

    assert files_below(tmp_path / "one") == {"c/file.txt": b"one\r\n", "c/folder/a.txt": b"a\r\n"}
    assert files_below(tmp_path / "two") == {"c/file.txt": b"two\r\n", "c/folder/a.txt": b"b\r\n"}


def test_a_version_that_there_is_not(tmp_path):
    registry = make_registry_with_history(tmp_path / "registry")

    with pytest.raises(NotFoundError, match="has no version 7"):
        pull(registry.root, "c/folder@7")


def test_two_versions_cannot_go_to_one_place(tmp_path):
    registry = make_registry_with_history(tmp_path / "registry")

    with pytest.raises(RefusedError, match=r"c/file.txt.* would both go to .*file.txt"):
        pull(registry.root, "c/file.txt@1", "c/file.txt@2", into=tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_the_same_version_twice_is_no_problem(tmp_path):
    registry = make_registry_with_history(tmp_path / "registry")

    pull(registry.root, "c/folder", "c/folder@2", "c/folder:same.txt", into=tmp_path / "out")

    assert files_below(tmp_path / "out" / "c" / "folder") == TWO


# Revisions.


@pytest.mark.parametrize("rev", ["v1", "HEAD~1"])
def test_a_revision_in_the_work_tree(tmp_path, rev):
    registry = make_registry_with_history(tmp_path / "registry")
    checkout = Checkout(registry.root)
    checkout.pull()

    checkout.pull(rev=rev)

    assert files_below(checkout.data("c/folder")) == ONE
    assert checkout.data("c/file.txt").read_bytes() == b"file one\n"
    checkout.pull()
    assert files_below(checkout.data("c/folder")) == TWO
    assert is_clean(checkout)


@pytest.mark.parametrize("form", [{}, {"plain": True}, {"plain": True, "legacy": True}], ids=str)
def test_a_revision_goes_to_another_folder(tmp_path, form):
    registry = make_registry_with_history(tmp_path / "registry", **form)

    pull(registry.root, "c/folder", "c/file.txt", "vendor/package", rev="v1", into=tmp_path / "out")

    one = {f"folder/{path}": data for path, data in ONE.items()} | {"file.txt": b"file one\n"}
    assert files_below(tmp_path / "out" / "c") == one
    assert files_below(tmp_path / "out" / "vendor" / "package") == one
    assert not any(path.exists() for path in (registry.root / "data/c/folder",))


def test_a_revision_that_has_what_is_dropped_since(tmp_path):
    registry = make_registry_with_history(tmp_path / "registry")
    registry.git("rm", "--quiet", "data/c/file.txt.dvc")
    registry.commit("Drop a file")

    pull(registry.root, "c/file.txt", rev="v2", into=tmp_path / "out")

    assert files_below(tmp_path / "out") == {"c/file.txt": b"file two\n"}
    with pytest.raises(NotFoundError):
        pull(registry.root, "c/file.txt", into=tmp_path / "out")
