"""Packages: made of digests alone, released once and for ever, whatever becomes of the rest."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import Heard
from tests.factories import (
    digest_file,
    digest_folder,
    directory_object,
    dwi_files,
    make_registry,
    nifti_bytes,
    write_files,
)
from tests.interop.checkouts import Checkout
from tests.servers import FAST, s3_server

import neurogister
from neurogister.actions.members import open_members
from neurogister.actions.released import sizes_of
from neurogister.actions.session import open_session
from neurogister.model.listing import dump_listing
from neurogister.model.package import Member
from neurogister.settings import load_settings

T1 = nifti_bytes(seed=1)
DWI = {**dwi_files(), "deep er/é.txt": b"x", "deep er/more/empty": b"", "run-1/dwi.bval": b"1\n"}
PACKAGE = "lab/tests"


@pytest.fixture(autouse=True)
def _home(home):
    """No settings but our own."""


def build(root, **options):
    """Make a registry of two datasets and a vendor."""
    registry = make_registry(root, **options)
    registry.add_file("scans/t1.nii.gz", T1, id="t1")
    registry.add_folder("scans/dwi", DWI, id="dwi")
    registry.add_vendor("lab")
    registry.commit("Add data")
    return registry


@pytest.fixture
def registry(tmp_path):
    return build(tmp_path / "registry")


def do(registry, verb, *arguments, **options):
    """Call a method of a registry that is opened for it alone."""
    heard = Heard()
    with neurogister.open(registry.root, progress=heard) as opened:
        return getattr(opened, verb)(*arguments, **options)


def create(registry, *members, name=PACKAGE, version="1.0.0", **options):
    do(registry, "create_package", name, members or ("t1", "dwi"), purpose="tests")
    return do(registry, "release", name, version, **options) if version else None


def files_of(registry, name, folder, **options):
    """Return what a pull into an empty folder brings of a package."""
    with neurogister.open(registry.root) as opened:
        opened.pull(name, into=folder, check=True, **options)
    top = folder / name.partition("@")[0]
    return {p.relative_to(top).as_posix(): p.read_bytes() for p in top.rglob("*") if p.is_file()}


def below(path, files):
    return {f"{path}/{name}": data for name, data in files.items()}


def digests(files):
    return digest_folder({name: digest_file(data) for name, data in files.items()})


WHOLE = {"t1.nii.gz": T1, **below("dwi", DWI)}


# The listing


@pytest.mark.parametrize(
    ("members", "files"),
    [
        (["t1", "dwi"], WHOLE),
        (["scans/t1.nii.gz=a/b/c.nii.gz"], {"a/b/c.nii.gz": T1}),
        (["t1=one", "t1=two"], {"one": T1, "two": T1}),
        (["dwi:dwi.bval"], {"dwi.bval": DWI["dwi.bval"]}),
        (["dwi:deep er=x"], {"x/é.txt": b"x", "x/more/empty": b""}),
        (["dwi:deep er/more"], {"more/empty": b""}),
        (
            ["dwi:*.bval=values"],
            {"values/dwi.bval": DWI["dwi.bval"], "values/run-1/dwi.bval": b"1\n"},
        ),
        (["dwi:*.bvec"], {"dwi/dwi.bvec": DWI["dwi.bvec"]}),
        (["t1=dwi/t1.nii.gz", "dwi"], {"dwi/t1.nii.gz": T1, **below("dwi", DWI)}),
        (["scans/*"], WHOLE),
    ],
)
def test_it_is_the_listing_of_the_very_tree(registry, members, files):
    released = create(registry, *members)

    wanted = digests(files)
    assert (released.md5, released.sha256) == (wanted.md5, wanted.sha256)
    assert (released.size, released.nfiles) == (wanted.size, len(files))
    assert registry.object_path(wanted).read_bytes() == directory_object(wanted.files)
    assert (registry.root / "store/lab/tests.manifest.csv").read_text("utf-8").count("\n") == (
        len(files) + 1
    )
    assert files_of(registry, PACKAGE, registry.root.parent / "out") == files


def test_dvc_add_gives_the_same(registry, tmp_path):
    released = create(registry)
    other = Checkout(make_registry(tmp_path / "other", plain=True).root)
    write_files(other.root / "tests", WHOLE)

    other.dvc(["add", "tests"])[0].ok()

    ours = (registry.root / "store/lab/tests.dvc").read_text()
    theirs = (other.root / "tests.dvc").read_text()
    assert ours.partition("meta:")[0] == theirs
    key = f"files/md5/{released.md5[:2]}/{released.md5[2:]}"
    assert (registry.objects / key).read_bytes() == (other.cache / key).read_bytes()
    assert (registry.root / "store/lab/.gitignore").read_text() == "/tests\n"


NAMES = st.sampled_from(["a", "b.txt", "c d", "é", "x-1", "Z"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
WISHES = st.lists(
    st.tuples(st.sampled_from(["t1", "dwi", "dwi", "tree"]), st.integers(0, 40), PATHS),
    min_size=1,
    max_size=5,
)
TREE = {"a/b/c": b"1", "a/b/d": b"2", "a/e": b"3", "f": b"", "g/h i/j.txt": b"3"}


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory):
    """A registry that no test changes, opened."""
    registry = build(tmp_path_factory.mktemp("looked at") / "registry")
    registry.add_folder("scans/tree", TREE, id="tree")
    registry.commit()
    flags = {"registry": str(registry.root), "cache": str(registry.root.parent / "cache")}
    session = open_session(load_settings(**flags))
    yield session
    session.close()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wishes=WISHES)
def test_the_listing_of_members_is_that_of_the_tree_on_disk(looked_at, tmp_path_factory, wishes):
    """Whatever is put where: what does not clash on disk has the very listing."""
    contents = {"t1": None, "dwi": DWI, "tree": TREE}
    members, placed = [], {}
    for dataset, number, path in wishes:
        part, files = chosen(contents[dataset], number)
        files = {f"{path}/{name}" if name else path: data for name, data in files.items()}
        if free(placed, files):
            placed |= files
            members.append(Member(dataset, path, part))
    top = write_files(tmp_path_factory.mktemp("tree"), placed)
    there = {p.relative_to(top).as_posix(): p.read_bytes() for p in top.rglob("*") if p.is_file()}

    pieces, problems = open_members(looked_at, members, ask=False)
    entries, size = sizes_of(looked_at, pieces, Heard())

    assert problems == []
    assert dump_listing(entries) == directory_object(digests(there).files)
    assert size == sum(map(len, there.values()))


def chosen(files, number):
    """Return a part of a dataset, and the files that it stands for by their path below it."""
    if files is None:
        return None, {"": T1}
    parts = [None, *files, *{name.rpartition("/")[0] for name in files if "/" in name}]
    part = sorted(parts, key=str)[number % len(parts)]
    if part is None:
        return None, files
    if part in files:
        return part, {"": files[part]}
    inside = f"{part}/"
    return part, {n.removeprefix(inside): d for n, d in files.items() if n.startswith(inside)}


def free(placed, files):
    """Tell whether files can be laid beside others, case not counting."""
    everything = [*placed, *files]
    folders = {str(parent) for name in everything for parent in Path(name).parents} - {"."}
    low = [name.casefold() for name in everything]
    return (
        len(set(low)) == len(low)
        and not {each.casefold() for each in folders} & set(low)
        and len({each.casefold() for each in folders}) == len(folders)
    )


# Without data


def test_no_data_is_needed_and_none_is_read(registry):
    shutil.rmtree(registry.objects)

    released = create(registry, push=False)

    assert released.status == "released"
    assert (released.remote, released.unpushed) == (None, "as asked")
    assert not (registry.root / "store/lab/tests").exists()
    cached = [p for p in (registry.root / ".dvc/cache/files").rglob("*") if p.is_file()]
    assert [path.name for path in cached] == [released.md5[2:]]


def test_a_folder_without_manifest_is_asked_for_at_the_remote(registry):
    registry.add_folder("old/plain", {"x/a": b"12345", "b": b""}, record=False)
    registry.commit()

    released = create(registry, "old/plain", "t1")

    files = {"t1.nii.gz": T1, "plain/x/a": b"12345", "plain/b": b""}
    assert (released.md5, released.size) == (digests(files).md5, len(T1) + 5)
    assert released.sha256 is None, "that of two files is known to nobody"
    text = (registry.root / "store/lab/tests.yaml").read_text()
    assert "dataset: old/plain" in text
    assert files_of(registry, PACKAGE, registry.root.parent / "out") == files


def test_what_only_a_remote_knows_is_not_guessed(registry, monkeypatch):
    registry.add_folder("old/plain", {"a": b"1"}, record=False)
    registry.commit()
    create(registry, "old/plain", version=None)
    monkeypatch.setenv("NEUROGISTER_OFFLINE", "1")

    with pytest.raises(neurogister.OfflineError, match="old/plain"):
        do(registry, "release", PACKAGE, "1.0.0")


def test_packages_of_dvc_2_alone_are_of_dvc_2_and_never_mixed(tmp_path):
    registry = build(tmp_path / "registry", legacy=True)
    registry.add_file("new/a.txt", b"a\r\n", id="new", legacy=False)
    registry.commit()
    released = create(registry)
    assert "hash:" not in (registry.root / "store/lab/tests.dvc").read_text()
    assert (registry.objects / released.md5[:2] / released.md5[2:]).is_file()
    assert files_of(registry, PACKAGE, tmp_path / "out") == WHOLE

    do(registry, "create_package", "lab/mixed", ["t1", "new"], purpose="x")
    with pytest.raises(neurogister.RefusedError, match=r"^t1 is kept as DVC 2 did"):
        do(registry, "release", "lab/mixed", "1.0.0")
    assert not (registry.root / "store/lab/mixed.dvc").exists()


# The remote


@pytest.fixture
def in_s3(tmp_path):
    registry = build(tmp_path / "registry", objects=tmp_path / "s3" / "bucket")
    registry.object_path(digests(DWI).files["dwi.bvec"]).rename(tmp_path / "lost")
    with s3_server(tmp_path / "s3", options=FAST) as server:
        registry.remote_url("s3://bucket", {}, local=server.dvc_options)
        registry.commit()
        yield registry


def test_the_listing_comes_to_the_remote(in_s3):
    released = create(in_s3, "t1", "dwi:dwi.bval", "dwi:deep er")

    assert (released.remote, released.stored) == ("storage", "stored")
    files = {"t1.nii.gz": T1, "dwi.bval": DWI["dwi.bval"]}
    wanted = digests(files | {"deep er/é.txt": b"x", "deep er/more/empty": b""})
    assert in_s3.object_path(wanted).read_bytes() == directory_object(wanted.files)
    assert do(in_s3, "release", PACKAGE, "1.0.0", verify_remote=True).proof == "content"


def test_what_the_remote_lacks_is_named_and_nothing_appears(in_s3):
    create(in_s3, version=None)
    in_s3.commit()

    with pytest.raises(neurogister.RefusedError) as caught:
        do(in_s3, "release", PACKAGE, "1.0.0")

    assert "lacks 1 of the 7 files of dwi: dwi/dwi.bvec" in caught.value.message
    assert "dvc push data/scans/dwi.dvc" in caught.value.hint
    assert in_s3.git("status", "--porcelain") == ""
    assert not in_s3.object_path(digests(WHOLE)).exists()
    assert do(in_s3, "release", PACKAGE, "1.0.0", push=False).status == "released"


# What cannot be released


def test_members_that_cannot_be_had_are_refused_all_at_once(registry):
    for name in ("gone", "broken", "missing"):
        registry.add_file(f"c/{name}.txt", name.encode(), id=name)
    registry.commit()
    create(registry, "gone", "broken", "missing", "t1", version=None)
    do(registry, "withdraw", "gone", "no consent")
    registry.write("data/c/broken.txt.dvc", "outs: 5\n")
    (registry.root / "data/c/missing.txt.dvc").unlink()

    with pytest.raises(neurogister.SeveralErrors) as caught:
        do(registry, "release", PACKAGE, "1.0.0")

    messages = sorted(error.message for error in caught.value.errors)
    assert {type(error) for error in caught.value.errors} == {neurogister.RefusedError}
    assert len(messages) == 3
    assert "c/gone.txt was withdrawn on" in messages[0]
    assert "no consent" in messages[0]
    assert not (registry.root / "store/lab/tests.dvc").exists()


@pytest.mark.parametrize(
    ("members", "why"),
    [
        (["t1=x", "dwi:dwi.bval=x"], "both give 'x'"),
        (["t1=x", "dwi:dwi.bval=X"], "where case does not count, 'x' is also 'X'"),
        (["t1=dwi", "dwi"], "'dwi' is both a file and a folder"),
        (["t1=dwi/dwi.bval", "dwi"], "both give 'dwi/dwi.bval'"),
        (["t1=Dwi/t1", "dwi"], "the folders 'dwi' and 'Dwi' differ in case only"),
        (["gone"], "withdrawn"),
    ],
)
def test_what_cannot_lie_in_one_folder_is_refused(registry, members, why):
    registry.add_file("c/gone", b"x", id="gone", status="withdrawn")
    registry.commit()
    with pytest.raises(neurogister.RefusedError) as caught:
        create(registry, *members)
    assert why in caught.value.message
    assert not (registry.root / "store/lab/tests.yaml").exists()


def test_a_member_that_grew_into_another_is_refused_at_the_release(registry):
    create(registry, "t1=dwi/new.txt", "dwi", version=None)
    registry.new_version("scans/dwi", DWI | {"new.txt": b"new"})
    registry.commit()
    with pytest.raises(neurogister.RefusedError, match=r"both give 'dwi/new\.txt'"):
        do(registry, "release", PACKAGE, "1.0.0")


def test_a_package_is_no_member_and_an_empty_one_is_not_released(registry):
    create(registry)
    with pytest.raises(neurogister.RefusedError, match="is a package"):
        do(registry, "create_package", "lab/other", [PACKAGE], purpose="x")
    do(registry, "create_package", "lab/other", [], purpose="x")
    with pytest.raises(neurogister.RefusedError, match="no members"):
        do(registry, "release", "lab/other", "1.0.0")


# Versions


def test_a_version_never_changes(registry):
    first = create(registry)
    registry.commit("Release")
    assert do(registry, "release", PACKAGE, "1.0.0").status == "unchanged"
    assert registry.git("status", "--porcelain") == ""
    registry.new_version("scans/t1.nii.gz", nifti_bytes(seed=2))
    registry.commit()

    with pytest.raises(neurogister.RefusedError, match="was released with other content"):
        do(registry, "release", PACKAGE, "1.0.0")

    assert f"md5: {first.md5}" in (registry.root / "store/lab/tests.dvc").read_text()


@pytest.mark.parametrize(
    ("before", "after", "fits"),
    [
        ("1.0.0", "1.0.1", True),
        ("1.9.0", "1.10.0", True),
        ("2.0.0", "1.9.9", False),
        ("1.0.0-rc.1", "1.0.0", True),
        ("1.0.0", "1.0.0-rc.2", False),
        ("1.0.0-rc.2", "1.0.0-rc.10", True),
        ("1.0.0-rc.1", "1.0.0-rc", False),
        ("1.0.0+a", "1.0.0+b", False),
    ],
)
def test_versions_only_go_up(registry, before, after, fits):
    create(registry, version=before, push=False)
    if fits:
        assert do(registry, "release", PACKAGE, after, push=False).status == "released"
        return
    with pytest.raises(neurogister.RefusedError, match="is not greater than"):
        do(registry, "release", PACKAGE, after, push=False)


@pytest.mark.parametrize("version", ["1", "1.0", "v1.0.0", "01.0.0", "1.0.0\n", ""])
def test_versions_are_semantic(registry, version):
    create(registry, version=None)
    with pytest.raises(neurogister.UsageError, match="no semantic version"):
        do(registry, "release", PACKAGE, version)


@pytest.mark.parametrize("lost", [["dvc"], ["dvc", "manifest.csv"], ["manifest.csv"]])
def test_an_interrupted_release_is_completed(registry, lost):
    create(registry, push=False)
    before = {end: registry.root / f"store/lab/tests.{end}" for end in lost}
    contents = {end: path.read_bytes() for end, path in before.items()}
    for path in before.values():
        path.unlink()

    do(registry, "release", PACKAGE, "1.0.0")

    assert {end: path.read_bytes() for end, path in before.items()} == contents
    text = (registry.root / "store/lab/tests.yaml").read_text()
    assert text.count("- version:") == 1
    assert registry.object_path(digests(WHOLE)).is_file()


def test_the_members_of_an_earlier_version_do_not_bring_its_pointer_back(registry):
    create(registry, "t1")
    do(registry, "add_members", PACKAGE, "dwi")
    do(registry, "release", PACKAGE, "1.1.0")
    do(registry, "remove_members", PACKAGE, "dwi")
    registry.commit()
    assert do(registry, "release", PACKAGE, "1.0.0").status == "unchanged"
    assert registry.git("status", "--porcelain") == ""


def test_several_processes_release_it_once(registry, start):
    create(registry, version=None)
    command = ("package", "release", PACKAGE, "1.0.0", "--commit")
    started = [start(*command, cwd=registry.root) for _ in range(3)]
    outputs = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], outputs
    assert (registry.root / "store/lab/tests.yaml").read_text().count("- version:") == 1


# At any later commit


def later(registry):
    """Do to a registry what years do."""
    registry.new_version("scans/t1.nii.gz", nifti_bytes(seed=2))
    registry.new_version("scans/dwi", {"other": b"1"})
    registry.commit("New versions")
    do(registry, "rename", "t1", "brains/mni.nii.gz", new_collection=True, commit=True)
    do(registry, "release", PACKAGE, "2.0.0", commit=True)
    do(registry, "move_vendor", "lab", "physics", commit=True)
    do(registry, "add_members", PACKAGE, "t1@1=old.nii.gz")
    do(registry, "release", PACKAGE, "2.1.0", commit=True)


def test_a_version_has_the_same_bytes_for_ever(registry, tmp_path):
    create(registry, commit=True)
    later(registry)
    new = {"t1.nii.gz": nifti_bytes(seed=2), "dwi/other": b"1"}

    shutil.rmtree(registry.root / ".dvc/cache")
    assert files_of(registry, f"{PACKAGE}@1.0.0", tmp_path / "1") == WHOLE
    assert files_of(registry, f"{PACKAGE}@2.0.0", tmp_path / "2") == new
    assert files_of(registry, PACKAGE, tmp_path / "3") == new | {"old.nii.gz": T1}
    difference = do(registry, "diff", f"{PACKAGE}@1.0.0", f"{PACKAGE}@2.0.0")
    assert [entry.path for entry in difference.added] == ["dwi/other"]
    assert [after.path for _, after in difference.changed] == ["t1.nii.gz"]
    assert len(difference.removed) == len(DWI)
    clone = tmp_path / "clone"
    registry.git("clone", "--quiet", str(registry.root), str(clone))
    with neurogister.open(clone, rev="HEAD~2") as opened:  # the commit after the move
        opened.pull(f"{PACKAGE}@1.0.0", into=tmp_path / "4", check=True)
    assert (tmp_path / "4" / PACKAGE / "t1.nii.gz").read_bytes() == T1


@pytest.mark.parametrize("removed", [False, True])
def test_a_version_with_a_withdrawn_member_is_refused_and_can_be_forced(
    registry, tmp_path, removed
):
    create(registry, commit=True)
    if removed:
        do(registry, "remove_members", PACKAGE, "dwi")
        do(registry, "release", PACKAGE, "1.1.0", commit=True)
    do(registry, "withdraw", "dwi", "a face in it", commit=True)

    heard = Heard()
    with neurogister.open(registry.root, progress=heard) as opened:
        with pytest.raises(neurogister.RefusedError) as caught:
            opened.pull(f"{PACKAGE}@1.0.0", into=tmp_path / "out", check=True)
        assert "its member dwi was withdrawn" in caught.value.message
        assert "a face in it" in caught.value.message
        assert not (tmp_path / "out").exists()
        everything = opened.pull(into=tmp_path / "all")
        assert {one.name for one in everything.pulled if one.error is None} == {
            "scans/t1.nii.gz", *((PACKAGE,) if removed else ()),
        }  # fmt: skip
        assert heard.warnings == []
        opened.pull(f"{PACKAGE}@1.0.0", into=tmp_path / "out", force=True, check=True)
    assert "dwi was withdrawn" in heard.warnings[0]
    assert (tmp_path / "out" / PACKAGE / "dwi/dwi.bval").is_file()


def test_what_was_pulled_before_is_refused_too(registry):
    create(registry, commit=True)
    with neurogister.open(registry.root) as opened:
        opened.pull(PACKAGE, check=True)
    do(registry, "withdraw", "dwi", "x")
    with neurogister.open(registry.root) as opened, pytest.raises(neurogister.RefusedError):
        opened.pull(PACKAGE, check=True)


def outdated(registry, name=PACKAGE, **options):
    [description] = do(registry, "info", name, **options)
    return [(o.dataset, o.status, o.released, o.newest) for o in description.outdated]


def test_outdated_members_are_told(registry):
    create(registry)
    assert outdated(registry) == []
    registry.new_version("scans/t1.nii.gz", nifti_bytes(seed=2))
    registry.commit()
    assert outdated(registry) == [("t1", "newer", 1, 2)]
    do(registry, "release", PACKAGE, "1.1.0")
    assert outdated(registry) == []
    assert outdated(registry, f"{PACKAGE}@1.0.0") == [("t1", "newer", 1, 2)]
    do(registry, "withdraw", "dwi", "x")
    assert outdated(registry) == [("dwi", "withdrawn", 1, 1)]


def test_of_releases_that_do_not_say_their_members_the_content_tells(registry):
    registry.add_package("lab/hand", ["t1", ("dwi", "dwi.bval", "bvals")])
    registry.commit()
    assert outdated(registry, "lab/hand", ask_remotes=True) == []
    registry.new_version("scans/dwi", DWI | {"other": b"1"})
    registry.commit()
    assert outdated(registry, "lab/hand", ask_remotes=True) == [], "this part is as it was"
    registry.new_version("scans/t1.nii.gz", nifti_bytes(seed=2))
    registry.commit()
    assert outdated(registry, "lab/hand", ask_remotes=True) == [("t1", "newer", None, 2)]
    shutil.rmtree(registry.root / ".dvc/cache")
    assert outdated(registry, "lab/hand") == [], "unknown here"
    do(registry, "withdraw", "t1", "x")
    assert outdated(registry, "lab/hand") == [("t1", "withdrawn", None, 2)]
    with neurogister.open(registry.root) as opened, pytest.raises(neurogister.RefusedError):
        opened.pull("lab/hand@1.0.0", check=True)


def test_a_member_that_was_never_released_refuses_nothing(registry, tmp_path):
    registry.add_file("c/gone", b"x", id="gone")
    create(registry, commit=True)
    path = registry.root / "store/lab/tests.yaml"
    path.write_text(path.read_text().partition("  members:")[0])  # as if written by hand
    registry.commit()
    do(registry, "add_members", PACKAGE, "gone")
    do(registry, "withdraw", "gone", "x")
    assert files_of(registry, PACKAGE, tmp_path / "1") == WHOLE
    do(registry, "withdraw", "t1", "x")
    with pytest.raises(neurogister.RefusedError, match="its member t1 was withdrawn"):
        files_of(registry, PACKAGE, tmp_path / "2")


# The file


def test_comments_and_order_are_kept(registry):
    text = (
        "# by hand\npurpose: 'tests'   # why\ntitle: T\nmembers:\n- path: t1.nii.gz  # first\n"
        "  dataset: t1\n# the second\n- dataset: dwi\n  path: dwi\nversions: []\n"
    )
    registry.write("store/lab/hand.yaml", text)
    registry.commit()
    path = registry.root / "store/lab/hand.yaml"

    do(registry, "add_members", "lab/hand", ["t1@1=x"])
    added = "- dataset: t1\n  version: 1\n  path: x\n"
    assert path.read_text() == text.replace("versions:", f"{added}versions:")
    do(registry, "remove_members", "lab/hand", ["x"])
    assert path.read_text() == text
    do(registry, "release", "lab/hand", "1.0.0", note="it's: new")
    released = path.read_text()
    assert released.startswith(text.replace("versions: []\n", "versions:\n- version: 1.0.0\n"))
    assert "  note: 'it''s: new'\n" in released or '  note: "it\'s: new"\n' in released
    do(registry, "add_members", "lab/hand", ["t1@1=x"])
    do(registry, "release", "lab/hand", "1.1.0")
    assert path.read_text().count("- version: 1.") == 2
    do(registry, "remove_members", "lab/hand", ["t1", "dwi"])
    assert path.read_text().startswith("# by hand\n")
    do(registry, "add_members", "lab/hand", ["t1"])
    assert "members:\n- dataset: t1\n  path: t1.nii.gz\n" in path.read_text()


def test_members_as_a_mapping_are_kept_so(registry):
    registry.write("store/lab/m.yaml", "title: M\nmembers:\n  t1: a.nii.gz # one\nversions: []\n")
    registry.commit()
    do(registry, "add_members", "lab/m", ["dwi"])
    text = (registry.root / "store/lab/m.yaml").read_text()
    assert text == "title: M\nmembers:\n  t1: a.nii.gz # one\n  dwi: dwi\nversions: []\n"
    with pytest.raises(neurogister.RefusedError, match="cannot be said"):
        do(registry, "add_members", "lab/m", ["dwi:dwi.bval=x"])
    do(registry, "remove_members", "lab/m", ["dwi"])
    assert "dwi" not in (registry.root / "store/lab/m.yaml").read_text()


def test_the_pointer_keeps_what_else_it_says(registry):
    create(registry)
    path = registry.root / "store/lab/tests.dvc"
    path.write_text(f"# ours\n{path.read_text()}desc: kept\n")
    do(registry, "add_members", PACKAGE, "t1=again")
    released = do(registry, "release", PACKAGE, "1.1.0")
    text = path.read_text()
    assert text.startswith(f"# ours\nouts:\n- md5: {released.md5}\n")
    assert text.endswith("meta:\n  neurogister:\n    version: 1.1.0\ndesc: kept\n")


# Vendors


def test_a_vendor_moves_with_all_that_it_has(registry, tmp_path):
    create(registry, commit=True)
    with neurogister.open(registry.root) as opened:
        opened.pull(PACKAGE, check=True)
    registry.write("store/lab/README.md", "Ours.\n")
    inode = (registry.root / "store/lab/tests/t1.nii.gz").stat().st_ino

    moved = do(registry, "move_vendor", "lab", "physics", commit=True)

    assert (moved.before, moved.path) == ("store/lab", "store/physics/lab")
    assert not (registry.root / "store/lab").exists()
    assert registry.git("status", "--porcelain") == ""
    assert (registry.root / "store/physics/lab/tests/t1.nii.gz").stat().st_ino == inode
    with neurogister.open(registry.root) as opened:
        assert opened[PACKAGE].place == "store/physics/lab/tests"
        report = opened.pull(PACKAGE, check=True)
        assert (report.fetched_files, report.pulled[0].placed) == (0, 0)
        assert [each.department for each in opened.vendors()] == ["physics"]
    do(registry, "move_vendor", "lab", "chemistry")
    assert sorted(os.listdir(registry.root / "store")) == ["chemistry"]
    do(registry, "move_vendor", "lab", None)
    assert sorted(os.listdir(registry.root / "store")) == ["lab"]
    assert registry.git("status", "--porcelain", "--untracked-files=all").count("R ") in (5, 6)
    assert files_of(registry, f"{PACKAGE}@1.0.0", tmp_path / "out") == WHOLE


def test_a_move_that_was_interrupted_is_staged_by_the_next_try(registry):
    create(registry, commit=True)
    (registry.root / "store/physics").mkdir()
    (registry.root / "store/lab").rename(registry.root / "store/physics/lab")
    moved = do(registry, "move_vendor", "lab", "physics", commit=True)
    assert moved.changed
    assert registry.git("status", "--porcelain") == ""
    assert not do(registry, "move_vendor", "lab", "physics").changed


def test_what_would_change_names_is_refused(registry):
    do(registry, "add_vendor", "optics", department="physics")
    for name, department in [("LAB", None), ("Optics", "x"), ("physics", None)]:
        with pytest.raises(neurogister.RefusedError):
            do(registry, "add_vendor", name, department=department)
    for name, department in [("lab", "Physics"), ("lab", "optics"), ("lab", "lab")]:
        with pytest.raises(neurogister.RefusedError):
            do(registry, "move_vendor", name, department)
    for name in ("", "a b", "../x", "a/b", "-x", "con", ".git", "x."):
        with pytest.raises(neurogister.UsageError):
            do(registry, "add_vendor", name)
    (registry.root / "store/physics/lab").mkdir()
    with pytest.raises(neurogister.RefusedError, match="in the way"):
        do(registry, "move_vendor", "lab", "physics")


def test_a_package_that_would_be_called_otherwise_keeps_its_vendor_there(registry):
    create(registry, commit=True)
    pointer = (registry.root / "store/lab/tests.dvc").read_text().partition("meta:")[0]
    registry.write("store/physics/old/sub/tests.dvc", pointer)  # without a vendor's file
    registry.commit()
    with pytest.raises(neurogister.RefusedError, match="old/sub/tests would be called sub/tests"):
        do(registry, "move_vendor", "old", None)
    assert (registry.root / "store/physics/old/sub/tests.dvc").is_file()
    registry.write("store/physics/old/vendor.yaml", "title: Old\nmaintainers: [{name: A}]\n")
    do(registry, "move_vendor", "old", None)
    with neurogister.open(registry.root) as opened:
        assert opened["old/sub/tests"].place == "store/old/sub/tests"


def test_a_link_in_the_place_of_a_vendor_is_not_followed(registry, tmp_path):
    (registry.root / "store/lab").rename(tmp_path / "elsewhere")
    (registry.root / "store/lab").symlink_to(tmp_path / "elsewhere")
    before = sorted(path.name for path in (tmp_path / "elsewhere").iterdir())
    for verb, arguments, options in [
        ("create_package", ("lab/x", ["t1"]), {"purpose": "x"}),
        ("move_vendor", ("lab", "physics"), {}),
    ]:
        with pytest.raises(neurogister.NeurogisterError):
            do(registry, verb, *arguments, **options)
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) == before


def test_dry_runs_change_nothing(registry):
    registry.commit()
    planned = {
        "create_package": ("lab/x", ["t1"]), "add_vendor": ("new",), "move_vendor": ("lab", "d"),
    }  # fmt: skip
    for verb, arguments in planned.items():
        options = {"purpose": "x"} if verb == "create_package" else {}
        do(registry, verb, *arguments, dry_run=True, **options)
    create(registry, version=None, name="lab/y")
    registry.commit()
    before = look(registry)
    planned = do(registry, "release", "lab/y", "1.0.0", dry_run=True)
    assert (planned.status, planned.changes) == ("planned", True)
    do(registry, "add_members", "lab/y", ["t1=x"], dry_run=True)
    do(registry, "remove_members", "lab/y", ["t1"], dry_run=True)
    assert registry.git("status", "--porcelain") == ""
    assert look(registry) == before


def look(registry):
    """Return the paths of all that a dry run must not add to."""
    folders = [registry.root / "store", registry.root / ".dvc/cache/files", registry.objects]
    return sorted(str(path) for folder in folders for path in folder.rglob("*"))
