"""What a reader finds: in work trees, at revisions, in bare and remote registries, old and new."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from tests.factories import dwi_files, make_registry, nifti_bytes
from tests.servers import git_http_server, run_git

from neurogister.errors import (
    InvalidFileError,
    NotFoundError,
    OfflineError,
    UsageError,
)
from neurogister.model.package import Member
from neurogister.registry.reader import open_reader

pytestmark = pytest.mark.usefixtures("home")

POINTER = "outs:\n- md5: {md5}\n  size: 1\n  hash: md5\n  path: '{name}'\n"
MD5 = "0123456789abcdef" * 2


def pointer(name, md5=MD5):
    return POINTER.format(name=name, md5=md5)


@pytest.fixture
def registry(tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_collection("mni152", license="CC0-1.0", title="Templates")
    registry.add_file("mni152/t1.nii.gz", nifti_bytes(), id="mni-t1", dtype="t1w")
    registry.add_file("mni152/t2.nii.gz", nifti_bytes(seed=1), id="mni-t2", license="MIT")
    registry.add_folder("study/sub-01/dwi", dwi_files(), id="Sub01-DWI")
    registry.add_package("vendor/pack", ["mni-t1", ("Sub01-DWI", "dwi.bval", "bvals")])
    registry.commit("Add data")
    return registry


@pytest.fixture
def reader(registry, tmp_path):
    return open_reader(registry.root, rev=None, cache=tmp_path / "cache")


@pytest.fixture
def again(registry, tmp_path):
    """Open the registry anew, as the next command does."""

    def again(rev=None, place=None):
        return open_reader(place or registry.root, rev=rev, cache=tmp_path / "cache")

    return again


def names(items):
    return [item.name for item in items]


# What there is.


def test_datasets_are_listed_with_what_their_records_say(reader):
    datasets = reader.datasets()
    assert names(datasets) == ["mni152/t1.nii.gz", "mni152/t2.nii.gz", "study/sub-01/dwi"]
    t1, t2, dwi = datasets
    assert (t1.id, t1.dtype, t1.kind, t1.status) == ("mni-t1", "t1w", "dataset", "active")
    assert (t1.collection, t1.license, t2.license) == ("mni152", "CC0-1.0", "MIT")
    assert (t1.place, t1.pointer_path) == ("data/mni152/t1.nii.gz", "data/mni152/t1.nii.gz.dvc")
    assert (dwi.is_dir, dwi.pointer.nfiles, dwi.version) == (True, 4, 1)
    assert dwi.manifest_path == "data/study/sub-01/dwi.manifest.csv"
    assert t1.manifest_path is None


def test_packages_and_vendors_are_listed(reader, registry):
    (package,) = reader.packages()
    assert (package.name, package.vendor, package.version) == ("vendor/pack", "vendor", "1.0.0")
    assert package.members[0].dataset == "mni-t1"
    assert package.members[1].part == "dwi.bval"
    assert package.pointer.is_dir
    assert package.kind == "package"
    assert [version.version for version in package.versions] == ["1.0.0"]
    (vendor,) = reader.vendors()
    assert (vendor.name, vendor.packages) == ("vendor", ("vendor/pack",))


def test_collections_are_counted(reader):
    assert [(each.name, each.title, each.datasets) for each in reader.collections()] == [
        ("mni152", "Templates", 2),
        ("study", "study", 1),
    ]


def test_the_registry_tells_about_itself(reader):
    info = reader.info()
    assert info.name
    assert info.dtypes["t1w"].extensions == ("nii.gz", "nii")
    assert info.policy.phi == "refuse"


def test_a_registry_without_registry_yaml_has_the_defaults(tmp_path):
    registry = make_registry(tmp_path / "plain", plain=True)
    reader = open_reader(registry.root, cache=tmp_path / "cache")
    assert reader.info().policy.copies == 2
    assert reader.info().name is None


def test_offline_archives_have_files_of_their_own(registry, again):
    registry.write("archives/tape-1.yaml", "scheme: tape\nroot: T0001:3\naccessibility: offline\n")
    assert again().info().archives["tape-1"].accessibility == "offline"


# One of them.


def test_things_are_got_by_name_and_by_identifier(reader):
    assert reader.get("mni152/t1.nii.gz").id == "mni-t1"
    assert reader.get("MNI-T1").name == "mni152/t1.nii.gz"
    assert reader.get("vendor/pack").kind == "package"
    with pytest.raises(NotFoundError, match="mni152/t1") as caught:
        reader.get("mni152/t1")
    assert "mni152/t1.nii.gz" in caught.value.hint


def test_content_is_found_by_digest(registry, again):
    old = registry.find("mni-t1").digests
    new = registry.new_version("mni-t1", nifti_bytes(seed=5))
    reader = again()
    for digest in (old.md5, new.md5, old.sha256, new.sha256.upper()):
        assert names(reader.find_digest(digest)) == ["mni152/t1.nii.gz"]
    folder = registry.find("Sub01-DWI").digests
    assert names(reader.find_digest(f"{folder.md5.removesuffix('.dir')}.dir")) == [
        "study/sub-01/dwi"
    ]
    assert reader.find_digest("f" * 32) == []
    assert reader.find_digest("no digest") == []


# Names as people type them.


@pytest.mark.parametrize(
    ("typed", "name", "version", "part"),
    [
        ("mni-t1", "mni152/t1.nii.gz", None, None),
        ("MNI-T1@1", "mni152/t1.nii.gz", "1", None),
        ("mni152/t1.nii.gz", "mni152/t1.nii.gz", None, None),
        ("data/mni152/t1.nii.gz", "mni152/t1.nii.gz", None, None),
        ("data/mni152/t1.nii.gz.dvc", "mni152/t1.nii.gz", None, None),
        ("mni152/t1.nii.gz@7", "mni152/t1.nii.gz", "7", None),
        ("vendor/pack", "vendor/pack", None, None),
        ("vendor/pack@1.0.0", "vendor/pack", "1.0.0", None),
        ("vendor/pack@1.0.0:bvals", "vendor/pack", "1.0.0", "bvals"),
        ("store/vendor/pack", "vendor/pack", None, None),
        ("store/vendor/pack.yaml", "vendor/pack", None, None),
        ("study/sub-01/dwi:dwi.bval", "study/sub-01/dwi", None, "dwi.bval"),
        ("Sub01-DWI:*.bval", "study/sub-01/dwi", None, "*.bval"),
        ("study/sub-01/dwi/dwi.bval", "study/sub-01/dwi", None, "dwi.bval"),
        ("data/study/sub-01/dwi/a/b", "study/sub-01/dwi", None, "a/b"),
        ("data//mni152/./t1.nii.gz", "mni152/t1.nii.gz", None, None),
        ("study/sub-01/dwi/", "study/sub-01/dwi", None, None),
    ],
)
def test_what_people_type(reader, typed, name, version, part):
    (target,) = reader.resolve([typed])
    assert (target.item.name, target.version, target.part) == (name, version, part)
    assert target.as_typed == typed


@pytest.mark.parametrize(
    ("folder", "typed"),
    [
        ("data/mni152", "t1.nii.gz"),
        ("data/mni152", "./t1.nii.gz"),
        ("data/mni152", "t1.nii.gz.dvc"),
        ("data/study", "../mni152/t1.nii.gz"),
        ("data/study/sub-01", "../../mni152/t1.nii.gz"),
        ("", "./data/mni152/t1.nii.gz"),
        ("store", "../data/mni152/t1.nii.gz.dvc"),
    ],
)
def test_paths_start_where_the_shell_is(reader, registry, folder, typed):
    (target,) = reader.resolve([typed], cwd=registry.root / folder)
    assert target.item.name == "mni152/t1.nii.gz"


def test_an_absolute_path_is_a_path_too(reader, registry):
    path = registry.root / "data" / "mni152" / "t1.nii.gz"
    assert reader.resolve([str(path)], cwd=registry.root)[0].item.id == "mni-t1"


def test_a_link_that_dvc_made_is_not_followed(reader, registry, tmp_path):
    (tmp_path / "object").write_text("x")
    link = registry.root / "data" / "mni152" / "t1.nii.gz"
    link.symlink_to(tmp_path / "object")
    assert reader.resolve(["t1.nii.gz"], cwd=link.parent)[0].item.id == "mni-t1"


def test_a_file_inside_a_dataset_folder_is_a_part_of_it(reader, registry):
    folder = registry.root / "data" / "study" / "sub-01"
    (target,) = reader.resolve(["dwi/dwi.bval"], cwd=folder)
    assert (target.item.id, target.part) == ("Sub01-DWI", "dwi.bval")


def test_a_name_means_the_same_in_every_folder(registry, again):
    registry.add_file("t1.nii.gz", b"another", id="top-t1")
    reader = again()
    folder = registry.root / "data" / "mni152"
    assert reader.resolve(["t1.nii.gz"], cwd=folder)[0].item.id == "top-t1"
    assert reader.resolve(["./t1.nii.gz"], cwd=folder)[0].item.id == "mni-t1"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("mni152/*", ["mni152/t1.nii.gz", "mni152/t2.nii.gz"]),
        ("data/mni152/*", ["mni152/t1.nii.gz", "mni152/t2.nii.gz"]),
        ("*.nii.gz", ["mni152/t1.nii.gz", "mni152/t2.nii.gz"]),
        ("mni-t?", ["mni152/t1.nii.gz", "mni152/t2.nii.gz"]),
        ("vendor/*", ["vendor/pack"]),
        ("mni152/*@1", ["mni152/t1.nii.gz", "mni152/t2.nii.gz"]),
        ("study/*:*.bval", ["study/sub-01/dwi"]),
    ],
)
def test_globs_expand(reader, typed, expected):
    assert names(target.item for target in reader.resolve([typed])) == expected


def test_what_is_named_twice_is_there_once(reader):
    assert len(reader.resolve(["mni-t1", "mni152/t1.nii.gz", "mni152/*"])) == 2
    assert len(reader.resolve(["mni-t1", "mni-t1@1"])) == 2


def test_an_existing_name_wins_over_its_parts(registry, again):
    for name in ("odd/x@2", "odd/x", "odd/y:z", "odd/[ab]", "odd/a"):
        registry.write(f"data/{name}.dvc", pointer(name.rpartition("/")[2]))
    reader = again()
    assert reader.resolve(["odd/x@2"])[0].item.name == "odd/x@2"
    assert reader.resolve(["odd/x@3"])[0].version == "3"
    assert reader.resolve(["odd/[ab]"])[0].item.name == "odd/[ab]"
    broken = reader.find_name("odd/y:z")
    assert "':'" in broken[0].error


def test_ambiguity_lists_the_candidates(registry, again):
    registry.write("data/vendor/pack.dvc", pointer("pack"))
    with pytest.raises(UsageError, match="data/vendor/pack, store/vendor/pack"):
        again().resolve(["vendor/pack"])
    assert again().resolve(["store/vendor/pack"])[0].item.kind == "package"


def test_an_identifier_that_is_also_a_name_is_ambiguous(registry, again):
    registry.add_file("mni-t1", b"x", id="other")
    for ask in (lambda: again().resolve(["mni-t1"]), lambda: again().get("mni-t1")):
        with pytest.raises(UsageError, match=r"data/mni-t1, data/mni152/t1\.nii\.gz"):
            ask()


@pytest.mark.parametrize(
    "typed", ["", "nowhere", "mni152/t3.nii.gz", "../x", "/etc/passwd", "..", "*.x"]
)
def test_an_unknown_name_is_not_found(reader, registry, typed):
    with pytest.raises(NotFoundError):
        reader.resolve([typed], cwd=registry.root)


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("mni-t3", "mni-t"),
        ("mni152/t1", "mni152/t1.nii.gz"),
        ("vendor/pakc", "vendor/pack"),
        ("t2.nii.gz", "mni152/t2.nii.gz"),
        ("mni152", "'mni152/*'"),
        ("data/study", "'study/*'"),
    ],
)
def test_an_unknown_name_suggests_the_nearest(reader, typed, hint):
    with pytest.raises(NotFoundError) as caught:
        reader.resolve([typed])
    assert hint in caught.value.hint


# What is not committed.


def test_changes_are_seen_at_once(registry, again):
    assert len(again().datasets()) == 3
    registry.add_file("mni152/new.nii.gz", b"new", id="new-one")
    assert again().get("new-one").name == "mni152/new.nii.gz"
    registry.change_record("mni-t1", title="Changed")
    assert again().get("mni-t1").title == "Changed"
    registry.pointer_path("mni-t2").unlink()
    assert names(again().datasets()) == [
        "mni152/new.nii.gz",
        "mni152/t1.nii.gz",
        "study/sub-01/dwi",
    ]
    registry.git("stash", "--include-untracked")
    assert again().get("mni-t1").title != "Changed"
    assert len(again().datasets()) == 3
    registry.git("stash", "pop")
    registry.git("add", "--all")
    assert again().get("mni-t1").title == "Changed"
    registry.git("checkout", "--force", "HEAD", "--", "data/mni152/t2.nii.gz.dvc")
    assert again().get("mni-t2")


def test_a_reader_shows_one_moment_until_it_is_refreshed(registry, reader):
    assert len(reader.datasets()) == 3
    registry.add_file("mni152/new.nii.gz", b"new", id="new-one")
    commit = registry.commit()
    assert len(reader.datasets()) == 3
    reader.refresh()
    assert len(reader.datasets()) == 4
    assert reader.commit == commit


def test_before_the_first_commit(tmp_path):
    root = tmp_path / "new"
    run_git("init", "--quiet", str(root))
    (root / "data").mkdir()
    (root / "data" / "x.dvc").write_text(pointer("x"))
    reader = open_reader(root, cache=tmp_path / "cache")
    assert reader.commit is None
    assert names(reader.datasets()) == ["x"]
    assert reader.list_tree() == []
    assert [state.commit for state in reader.history(reader.get("x"))] == [None]


def test_what_git_ignores_is_not_there(registry, again):
    registry.write("data/scratch/.gitignore", "*\n")
    registry.write("data/scratch/x.dvc", pointer("x"))
    assert len(again().datasets()) == 3


def test_a_nested_repository_is_left_alone(registry, again):
    nested = registry.root / "data" / "nested"
    run_git("init", "--quiet", str(nested))
    (nested / "x.dvc").write_text(pointer("x"))
    assert len(again().datasets()) == 3


# Other revisions and places.


def test_a_revision_shows_what_was(registry, again):
    old = registry.git("rev-parse", "HEAD").strip()
    registry.new_version("mni-t1", nifti_bytes(seed=5))
    registry.write("data/mni152/extra.dvc", pointer("extra"))
    new = registry.commit()
    registry.write("data/mni152/uncommitted.dvc", pointer("uncommitted"))
    for rev in (old, old[:10], "HEAD~1", "main~1"):
        reader = again(rev)
        assert (reader.commit, reader.rev, reader.root) == (old, rev, None)
        assert reader.worktree == registry.root
        assert len(reader.datasets()) == 3
        assert reader.get("mni-t1").version == 1
    assert again(new).get("mni-t1").version == 2
    assert len(again("HEAD").datasets()) == 4
    reader = again()
    assert len(reader.datasets()) == 5
    assert len(reader.at(old).datasets()) == 3
    assert len(reader.at(old).at(None).datasets()) == 5
    with pytest.raises(NotFoundError, match="nowhere"):
        again("nowhere")


def test_now_is_now(registry, reader):
    registry.add_file("mni152/new.nii.gz", b"new", id="new-one")
    commit = registry.commit()
    assert reader.at(None).commit == commit
    assert reader.at("HEAD~1").at(None).get("new-one")


def test_looking_back_does_not_need_what_the_index_remembers(registry, again):
    first = registry.git("rev-parse", "HEAD").strip()
    registry.add_file("mni152/new.nii.gz", b"new", id="new-one")
    second = registry.commit()
    assert len(again(second).datasets()) == 4
    assert len(again(first).datasets()) == 3
    registry.git("reset", "--quiet", "--hard", first)
    registry.git("reflog", "expire", "--expire=now", "--all")
    registry.git("gc", "--quiet", "--prune=now")
    assert len(again(first).datasets()) == 3
    assert len(again().datasets()) == 3
    assert again(first).get("mni-t1").collection == "mni152"


def test_a_place_inside_the_checkout_will_do(registry, tmp_path, monkeypatch):
    reader = open_reader(registry.root / "data" / "mni152", cache=tmp_path / "cache")
    assert reader.root == registry.root
    monkeypatch.chdir(registry.root / "store")
    assert open_reader(".", cache=tmp_path / "cache").root == registry.root


def test_a_bare_repository_will_do(registry, again, tmp_path):
    bare = tmp_path / "bare.git"
    run_git("clone", "--quiet", "--bare", str(registry.root), str(bare))
    reader = again(place=bare)
    assert (reader.root, reader.worktree) == (None, None)
    assert len(reader.datasets()) == 3
    assert reader.get("mni-t1").collection == "mni152"
    assert b"[core]" in reader.dvc_config_bytes()


def test_what_is_no_registry_is_said_to_be_none(tmp_path):
    with pytest.raises(NotFoundError, match="no folder"):
        open_reader(tmp_path / "nowhere", cache=tmp_path)
    with pytest.raises(NotFoundError, match="not in a git repository"):
        open_reader(tmp_path, cache=tmp_path / "cache")


def test_a_remote_registry_brings_only_what_is_asked_for(registry, tmp_path):
    registry.write("notes/large.txt", os.urandom(200_000).hex())
    registry.commit()
    with git_http_server(tmp_path / "served") as server:
        url = server.publish(registry.root)
        reader = open_reader(url, cache=tmp_path / "cache")
        assert (reader.root, reader.worktree, reader.url) == (None, None, url)
        assert reader.resolve(["mni-t1", "vendor/pack"])[0].item.dtype == "t1w"
        assert len(reader.datasets()) == 3
        assert server.bytes_sent < 60_000
        manifest = reader.manifest_bytes(reader.get("Sub01-DWI"))
        assert manifest.startswith(b"size,md5,sha256,path")
        fetches = [each for each in server.requests if each.method == "POST"]
        assert len(fetches) < 8
        server.reset()
        again = open_reader(url, rev=reader.commit, cache=tmp_path / "cache")
        assert len(again.datasets()) == 3
        assert server.requests == []
    offline = open_reader(url, cache=tmp_path / "cache", offline=True)
    assert len(offline.datasets()) == 3
    with pytest.raises(OfflineError):
        offline.read_file("notes/large.txt")
    with pytest.raises(OfflineError):
        open_reader(url, rev="elsewhere", cache=tmp_path / "cache", offline=True)


def test_a_remote_registry_that_moved_on_is_seen(registry, tmp_path):
    url = registry.root.as_uri()
    run_git("config", "uploadpack.allowFilter", "true", folder=registry.root)
    first = open_reader(url, cache=tmp_path / "cache")
    assert len(first.datasets()) == 3
    registry.add_file("mni152/new.nii.gz", b"new", id="new-one")
    registry.commit()
    assert open_reader(url, cache=tmp_path / "cache").get("new-one")
    assert len(open_reader(url, rev="HEAD~1", cache=tmp_path / "cache").datasets()) == 3
    first.refresh()
    assert len(first.datasets()) == 4


# Bytes.


def test_files_are_read_at_what_is_shown(registry, again):
    old = registry.git("rev-parse", "HEAD").strip()
    registry.write("data/mni152/README.md", "new")
    assert again().read_file("data/mni152/README.md") == b"new"
    assert again(old).read_file("data/mni152/README.md") is None
    assert again().read_file("nowhere") is None
    assert again().read_file("data") is None
    assert again(old).read_file("data") is None
    both = ["registry.yaml", "nowhere", "data/mni152/t1.nii.gz.dvc"]
    assert sorted(again(old).read_files(both)) == ["data/mni152/t1.nii.gz.dvc", "registry.yaml"]
    assert again().read_files(both) == again(old).read_files(both)


def test_blobs_below_a_folder_are_listed_and_read(reader):
    entries = reader.list_tree("data/mni152")
    assert "data/mni152/t1.nii.gz.dvc" in [entry.path for entry in entries]
    contents = dict(reader.read_blobs(entry.oid for entry in entries))
    assert len(contents) == len(entries)
    reader.fetch_blobs(entry.oid for entry in entries)


# History.


def test_a_ledger_tells_the_versions(registry, again):
    registry.new_version("mni-t1", nifti_bytes(seed=5), note="better")
    reader = again()
    item = reader.get("mni-t1")
    assert reader.version(item, "2").note == "better"
    assert reader.version(item, 1).md5 != reader.version(item, 2).md5
    with pytest.raises(NotFoundError, match="no version 3") as caught:
        reader.version(item, "3")
    assert "1, 2" in caught.value.hint


def test_without_a_ledger_history_tells_the_versions(registry, again):
    registry.add_file("plain/x", b"one", record=False)
    first = registry.commit()
    registry.add_file("plain/y", b"other", record=False)
    registry.commit()
    registry.new_version("plain/x", b"two")
    second = registry.commit()
    registry.pointer_path("plain/x").write_text("broken")
    registry.commit()
    registry.new_version("plain/x", b"three")
    reader = again()
    item = reader.get("plain/x")
    states = reader.history(item)
    assert [state.commit for state in states] == [first, second, None]
    assert states[0].author == "Test Author"
    assert [each.version for each in reader.history_versions(item)] == [1, 2, 3]
    assert reader.version(item, "1").md5 == states[0].md5
    with pytest.raises(NotFoundError, match="no version 4"):
        reader.version(item, "4")


def test_the_manifest_of_an_old_version_is_found_through_history(registry, again):
    old = registry.find("Sub01-DWI").digests.md5
    registry.new_version("Sub01-DWI", dwi_files(volumes=7, seed=9))
    registry.commit()
    reader = again()
    item = reader.get("Sub01-DWI")
    states = [state for state in reader.history(item) if state.md5.startswith(old)]
    manifest = reader.at(states[0].commit).manifest_bytes(item)
    assert manifest is not None
    assert manifest != reader.manifest_bytes(item)


# Broken and hostile files.


BROKEN = {
    "not-yaml": "[",
    "two-outs": "outs:\n- md5: a\n- md5: b\n",
    "other-name": pointer("elsewhere"),
    "climbing": pointer("../x"),
    "bad-digest": pointer("bad-digest", md5="../../etc/passwd"),
    "bad-record": pointer("bad-record") + "meta:\n  neurogister:\n    id: [1]\n",
    "empty": "",
    "large": "#" * 70_000,
}


def test_a_broken_pointer_does_not_hide_the_others(registry, again):
    for name, content in BROKEN.items():
        registry.write(f"data/broken/{name}.dvc", content)
    reader = again()
    broken = {item.name: item for item in reader.datasets() if item.error}
    assert sorted(broken) == sorted(f"broken/{name}" for name in BROKEN)
    assert len(reader.datasets()) == 3 + len(BROKEN)
    assert {item.status for item in broken.values()} == {"broken"}
    for name in BROKEN:
        with pytest.raises(InvalidFileError, match=rf"^data/broken/{name}\.dvc"):
            again().get(f"broken/{name}")
        with pytest.raises(InvalidFileError, match=rf"^data/broken/{name}\.dvc"):
            again().resolve([f"data/broken/{name}.dvc"])
    assert len(reader.resolve(["*"])) == 4
    with pytest.raises(InvalidFileError, match=r"^data/broken/"):
        reader.resolve(["broken/*"])


@pytest.mark.parametrize("committed", [False, True])
def test_an_error_says_in_which_line_it_is(registry, again, committed):
    registry.write("data/broken/x.dvc", f"outs:\n- md5: {MD5}\n  size: many\n  path: x\n")
    if committed:
        registry.commit()
    for reader in (again(), again("HEAD") if committed else again()):
        with pytest.raises(InvalidFileError, match=r"^data/broken/x\.dvc:3:9: outs\[0\]\.size"):
            reader.get("broken/x")
        item = next(item for item in reader.datasets() if item.error)
        assert item.error.startswith("data/broken/x.dvc:3:9: ")


@pytest.mark.parametrize("committed", [False, True])
def test_a_linked_pointer_is_not_followed(registry, again, tmp_path, committed):
    (tmp_path / "secret").write_text(pointer("linked"))
    (registry.root / "data" / "linked.dvc").symlink_to(tmp_path / "secret")
    (registry.root / "data" / "mni152" / "t1.nii.gz.dvc").unlink()
    (registry.root / "data" / "mni152" / "t1.nii.gz.dvc").symlink_to("t2.nii.gz.dvc")
    if committed:
        registry.commit()
    errors = {item.name: item.error for item in again().datasets() if item.error}
    assert sorted(errors) == ["linked", "mni152/t1.nii.gz"]
    assert all("symbolic link" in error for error in errors.values())


def test_a_linked_folder_is_not_entered(registry, again, tmp_path):
    shutil.move(registry.root / "data" / "mni152", tmp_path / "outside")
    (registry.root / "data" / "mni152").symlink_to(tmp_path / "outside")
    assert names(again().datasets()) == ["study/sub-01/dwi"]
    assert again().read_file("data/mni152/t1.nii.gz.dvc") is None


def test_a_linked_file_is_not_read(registry, again, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (registry.root / "data" / "link").symlink_to(tmp_path / "secret")
    registry.commit()
    assert again().read_file("data/link") is None
    assert again("HEAD").read_file("data/link") is None


def test_a_submodule_in_the_place_of_a_pointer_is_an_error(registry, again):
    commit = registry.git("rev-parse", "HEAD").strip()
    registry.git("update-index", "--add", "--cacheinfo", f"160000,{commit},data/module.dvc")
    registry.git("commit", "--quiet", "-m", "submodule")
    assert "submodule" in next(item.error for item in again("HEAD").datasets() if item.error)


def test_a_pipe_in_the_place_of_a_pointer_does_not_block(registry, again):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    path = registry.root / "data" / "mni152" / "t1.nii.gz.dvc"
    path.unlink()
    os.mkfifo(path)
    assert names(again().datasets()) == ["mni152/t2.nii.gz", "study/sub-01/dwi"]


def test_broken_files_beside_do_not_hide_anything(registry, again):
    registry.write("data/mni152/collection.yaml", "[")
    registry.write("store/vendor/vendor.yaml", "title: 5\n")
    registry.write("registry.yaml", "policy: 5\n")
    reader = again()
    assert reader.get("mni-t1").license is None
    assert reader.collections()[0].error.startswith("data/mni152/collection.yaml:2:1: ")
    assert reader.vendors()[0].error.startswith("store/vendor/vendor.yaml:1:8: title must be text")
    assert len(reader.datasets()) == 3
    with pytest.raises(InvalidFileError, match=r"^registry\.yaml:1:9: policy must be a mapping"):
        reader.info()


def test_a_name_that_is_not_utf_8_is_an_error(registry, again):
    if sys.platform != "linux":
        pytest.skip("the file system wants UTF-8")
    with open(os.fsencode(registry.root) + b"/data/\xff.dvc", "w") as stream:
        stream.write(pointer("x"))
    for _ in range(2):
        broken = [item for item in again().datasets() if item.error]
        assert len(broken) == 1
        registry.commit()


# Registries of others, and what is not in DVC.


def test_a_dvc_repository_of_somebody_else(tmp_path):
    registry = make_registry(tmp_path / "plain", plain=True, legacy=True)
    registry.add_file("set/x.nii", b"x", record=False)
    registry.write("models/model.pkl.dvc", f"outs:\n- md5: {MD5}\n  path: model.pkl\n")
    registry.write("top.csv.dvc", pointer("top.csv"))
    registry.write(".hidden/x.dvc", pointer("x"))
    registry.write(".github/y.dvc", pointer("y"))
    registry.write("data/set/config.yaml", "anything: [goes]\n")
    registry.write("dvc.yaml", "stages:\n  x:\n    cmd: rm -rf /\n")
    registry.write(
        "imported.dvc",
        f"frozen: true\ndeps:\n- path: a\n  repo: {{url: https://example.org}}\n{pointer('imported')}",
    )
    registry.commit()
    reader = open_reader(registry.root, cache=tmp_path / "cache")
    found = {item.name: item for item in reader.datasets()}
    assert sorted(found) == ["imported", "models/model.pkl", "set/x.nii", "top.csv"]
    assert not [item.error for item in found.values() if item.error]
    assert found["set/x.nii"].pointer.legacy
    assert found["models/model.pkl"].pointer.size is None
    assert found["models/model.pkl"].collection is None
    assert found["imported"].pointer.imported
    assert reader.resolve(["models/model.pkl"])[0].item.place == "models/model.pkl"
    assert reader.resolve(["model.pkl"], cwd=registry.root / "models")[0].item.record is None


def test_a_store_in_the_old_style(tmp_path):
    registry = make_registry(tmp_path / "old", plain=True)
    registry.add_old_package("scilpy_tests/aodf", {"a": b"1", "b": b"2"})
    registry.add_old_vendor("empty")
    registry.commit()
    reader = open_reader(registry.root, cache=tmp_path / "cache")
    (package,) = reader.packages()
    assert (package.name, package.members, package.error) == ("scilpy_tests/aodf", (), None)
    assert package.pointer.nfiles == 2
    assert [(each.name, each.packages) for each in reader.vendors()] == [
        ("empty", ()),
        ("scilpy_tests", ("scilpy_tests/aodf",)),
    ]
    assert reader.resolve(["scilpy_tests/aodf:a"])[0].part == "a"


def test_vendors_may_be_in_departments(registry, again):
    registry.add_package("radiology/mri/phantoms", ["mni-t1"])
    registry.write("store/loose/lab/x.dvc", pointer("x"))
    registry.commit()
    reader = again()
    found = {item.name: item for item in reader.packages()}
    assert sorted(found) == ["lab/x", "mri/phantoms", "vendor/pack"]
    assert found["mri/phantoms"].department == "radiology"
    assert found["mri/phantoms"].members == (
        Member("mni-t1", found["mri/phantoms"].members[0].path),
    )
    assert found["lab/x"].department == "loose"
    for typed in ("mri/phantoms", "store/radiology/mri/phantoms", "mri/phantoms@1.0.0"):
        assert again().resolve([typed])[0].item.department == "radiology"
    vendors = {vendor.name: vendor for vendor in reader.vendors()}
    assert vendors["mri"].department == "radiology"
    assert vendors["lab"].path == "store/loose/lab"


def test_an_unreleased_package_has_no_pointer(registry, again):
    registry.write("store/vendor/draft.yaml", "title: Draft\nmembers: []\nversions: []\n")
    package = again().get("vendor/draft")
    assert (package.pointer, package.version, package.error) == (None, None, None)
    assert package.title == "Draft"


RESOURCE = """
id: st32_1_2_1
version: 1
versions:
- version: 1
  sha1: a50126cc2d6c726de0ca203c3b659f658d356173
  date: '2026-11-20'
  by: writer
dtype: audio
created_by: writer
created_on: '2026-11-20'
locations:
- archive: intracellular
  address: st/st32_1_2_1.wav
"""


def test_a_resource_outside_dvc(registry, again):
    registry.write("data/songs/st32.yaml", RESOURCE + "status: active\n")
    item = again().get("ST32_1_2_1")
    assert (item.name, item.kind, item.pointer, item.is_dir) == (
        "songs/st32",
        "resource",
        None,
        False,
    )
    assert item.record.locations[0].archive == "intracellular"
    reader = again()
    assert reader.resolve(["data/songs/st32.yaml"])[0].item.id == "st32_1_2_1"
    assert reader.version(item, 1).sha1 == "a50126cc2d6c726de0ca203c3b659f658d356173"
    assert reader.history(item) == []
    assert names(reader.find_digest("a50126cc2d6c726de0ca203c3b659f658d356173")) == ["songs/st32"]


def test_a_tombstone_stays(registry, again):
    text = (
        RESOURCE + "status: withdrawn\nwithdrawn:\n  date: '2026-12-01'\n  reason: It was noise.\n"
    )
    registry.write("data/songs/st32.yaml", text)
    item = again().get("st32_1_2_1")
    assert item.status == "withdrawn"
    assert item.record.withdrawn.reason == "It was noise."


def test_a_pointer_and_a_record_of_the_same_name_contradict(registry, again):
    registry.write("data/mni152/t1.nii.gz.yaml", RESOURCE)
    with pytest.raises(InvalidFileError, match=r"t1\.nii\.gz\.dvc"):
        again().get("mni152/t1.nii.gz")


def test_the_reference_registry_is_read_without_an_error(tmp_path):
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        pytest.skip("not in a checkout")
    reader = open_reader(root, cache=tmp_path / "cache")
    assert reader.info().name == "neurogister"
    assert not [item.error for item in reader.everything() if item.error]
    assert {item.collection for item in reader.datasets()} >= {"mni152", "stimuli"}
    assert len(reader.packages()) == 3
    assert all(collection.license for collection in reader.collections())
