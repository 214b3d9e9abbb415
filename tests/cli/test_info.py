"""``neurogister info``, and how every command understands names."""

import pytest
from tests.cli.conftest import run_on_terminal
from tests.factories import make_registry


def test_shows_a_file_to_the_letter(invoke, shared):
    digests = shared.find("mni152/t1.nii.gz").digests
    result = invoke("info", "mni-T1", cwd=shared.root)
    assert (
        result.out
        == f"""\
mni152/t1.nii.gz  (T1)
  identifier: mni-T1
  kind:       dataset
  status:     active
  version:    2
  dtype:      t1w
  license:    CC-BY-4.0
  size:       1.1 kB ({digests.size:,} bytes)
  md5:        {digests.md5}
  sha256:     {digests.sha256}
  created by: Test Author
  created on: 2024-01-01
  file:       data/mni152/t1.nii.gz.dvc
  versions:
    1  2024-01-01  Test Author
    2  2024-01-01  Test Author  straightened
  copies:
    work tree: no
    cache:     no
    remote:    {shared.objects} (unknown)
"""
    )
    assert (result.status, result.err) == (0, "")


def test_shows_the_files_of_a_folder_and_the_members_of_a_package(invoke, registry):
    folder = invoke("info", "dwi1", cwd=registry.root)
    size = registry.find("dwi1").digests.size
    assert f"  size:       {size / 1000:.1f} kB ({size:,} bytes), 5 files\n" in folder.out
    assert "  files:\n    dwi.bval  17 B\n" in folder.out
    assert "    extra/other.txt  8 B\n" in folder.out
    package = invoke("info", "lab/tests", cwd=registry.root)
    assert (
        "  members:\n    t1.nii.gz  from mni-T1\n    dwi  from dwi1\n"
        "  files:  unknown here (`--remote` asks the remote for the listing)\n"
    ) in package.out
    asked = invoke("info", "lab/tests", "--remote", cwd=registry.root)
    assert "  files:\n    dwi/dwi.bval\n" in asked.out
    assert f"    remote:    {registry.objects} (present)\n" in asked.out
    old = invoke("info", "lab/tests@1.0.0", cwd=registry.root)
    assert "  version:     1.0.0\n" in old.out
    assert "2 files" in old.out


def test_of_many_files_the_first_ten_are_shown(invoke, tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_folder("a/many", {f"{n:02}.txt": b"x" for n in range(12)})
    registry.commit()
    short = invoke("info", "a/many", cwd=registry.root)
    assert "    09.txt  1 B\n    … and 2 more (`--files` lists all)\n" in short.out
    assert "11.txt" in invoke("info", "a/many", "--files", cwd=registry.root).out


@pytest.mark.parametrize(
    "name",
    [
        "mni-t1",
        "MNI-T1",
        "mni152/t1.nii.gz",
        "data/mni152/t1.nii.gz",
        "./data/mni152/t1.nii.gz",
        "data/mni152/t1.nii.gz.dvc",
        "mni-T1@2",
        "mni152/t1.nii.gz@2",
    ],
)
def test_a_dataset_has_many_names(invoke, shared, name):
    assert invoke("info", name, cwd=shared.root).lines[0] == "mni152/t1.nii.gz  (T1)"


def test_paths_start_at_the_working_directory(invoke, shared):
    folder = shared.root / "data" / "mni152"
    for name in ("t1.nii.gz", "./t1.nii.gz", "t1.nii.gz.dvc", "../mni152/t1.nii.gz"):
        assert invoke("info", name, cwd=folder).lines[0] == "mni152/t1.nii.gz  (T1)"
    assert invoke("info", "sub-01/dwi", cwd=shared.root / "data" / "scans").status == 0
    absolute = shared.root / "data" / "mni152" / "t1.nii.gz"
    assert invoke("info", absolute, cwd=folder).lines[0] == "mni152/t1.nii.gz  (T1)"
    outside = invoke("info", "../../../x", cwd=folder)
    assert outside.status == 3


def test_names_win_over_paths_in_a_sub_folder(invoke, tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("a/b.txt", b"outer")
    registry.add_file("x/a/b.txt", b"inner")
    registry.commit()
    folder = registry.root / "data" / "x"
    assert invoke("info", "a/b.txt", cwd=folder).lines[0] == "a/b.txt"
    assert invoke("info", "./a/b.txt", cwd=folder).lines[0] == "x/a/b.txt"


def test_a_glob_stands_for_several_and_each_is_shown_once(invoke, shared):
    result = invoke("info", "mni152/*", "mni-t1", "mni-T*", cwd=shared.root)
    heads = [line for line in result.lines if line and not line.startswith(" ")]
    assert [head.split()[0] for head in heads] == ["mni152/t1.nii.gz", "mni152/t2.nii.gz"]


def test_an_old_version_is_described_as_it_was(invoke, shared):
    first = shared.find("mni-T1").record["versions"][0]
    shape = invoke("info", "mni-T1@1", "--json", cwd=shared.root).json["items"][0]
    assert (shape["version"], shape["md5"], shape["size"], shape["sha256"]) == (
        1, first["md5"], first["size"], first["sha256"]
    )  # fmt: skip
    assert invoke("info", "mni-T1@1", cwd=shared.root).lines[4] == "  version:    1"


def test_an_unknown_name_ends_with_3_and_the_nearest_names(invoke, shared):
    result = invoke("info", "mni-T11", cwd=shared.root)
    assert (result.status, result.out) == (3, "")
    assert result.err == (
        "error: there is no dataset or package 'mni-T11'\nhint: Perhaps mni-T1 or mni-t2?\n"
    )
    strange = invoke("info", "qqqqqqqq", cwd=shared.root)
    assert strange.err.endswith("hint: `neurogister list` shows all names.\n")
    collection = invoke("info", "mni152", cwd=shared.root)
    assert collection.status == 3
    assert collection.err == (
        "error: 'mni152' is a folder of datasets\n"
        "hint: All that is in it: 'mni152/*' (in quotes).\n"
    )
    glob = invoke("info", "zzz*", cwd=shared.root)
    assert (glob.status, glob.err.splitlines()[0]) == (3, "error: nothing matches 'zzz*'")


def test_an_unknown_version_or_part_ends_with_3(invoke, shared):
    version = invoke("info", "mni-T1@7", cwd=shared.root)
    assert (version.status, version.err) == (
        3, "error: mni152/t1.nii.gz has no version 7\nhint: It has: 1, 2.\n"
    )  # fmt: skip
    part = invoke("info", "dwi1:dwi.bvel", cwd=shared.root)
    assert (part.status, part.err) == (
        3,
        "error: scans/sub-01/dwi has no file 'dwi.bvel'\n"
        "hint: Perhaps dwi.bvec, dwi.bval, dwi.json?\n",
    )
    single = invoke("info", "mni-T1:x", cwd=shared.root)
    assert single.status == 3
    assert "is a single file" in single.err


def test_a_part_is_described_as_a_part(invoke, shared):
    files = shared.find("dwi1").digests.files
    one = invoke("info", "dwi1:dwi.bval", "--json", cwd=shared.root).json["items"][0]
    assert (one["part"], one["size"], one["files"], one["folder"]) == ("dwi.bval", 17, 1, False)
    assert (one["md5"], one["sha256"]) == (files["dwi.bval"].md5, files["dwi.bval"].sha256)
    some = invoke("info", "dwi1:*.bv*", "--json", cwd=shared.root).json["items"][0]
    assert [entry["path"] for entry in some["content"]] == ["dwi.bval", "dwi.bvec"]
    assert (some["files"], some["md5"], some["folder"]) == (2, None, True)
    inside = invoke("info", "scans/sub-01/dwi/extra", cwd=shared.root)
    assert inside.lines[0] == "scans/sub-01/dwi:extra"


def test_what_can_mean_several_lists_them(invoke, tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("a/t1.txt", b"1", id="Twin")
    registry.add_file("b/t1.txt", b"2", id="twin")
    registry.commit()
    result = invoke("info", "twin", cwd=registry.root)
    assert (result.status, result.out) == (2, "")
    assert result.err == (
        "error: 'twin' can mean data/a/t1.txt, data/b/t1.txt\nhint: Write one of these.\n"
    )


def test_what_was_withdrawn_tells_why_and_what_is_elsewhere_tells_where(invoke, shared):
    gone = invoke("info", "gone-1", cwd=shared.root)
    assert "  status:     withdrawn\n  withdrawn:  2024-02-01, A, a face in it\n" in gone.out
    tape = invoke("info", "tape-1", cwd=shared.root)
    assert "  kind:       resource\n" in tape.out
    assert "  locations:\n    attic: box/7\n" in tape.out
    assert "copies" not in tape.out
    shape = invoke("info", "tape-1", "--json", cwd=shared.root).json["items"][0]
    assert shape["locations"] == [{"archive": "attic", "address": "box/7"}]


def test_copies_are_told_from_each_other(invoke, registry):
    present = {str(registry.objects): "present"}
    unknown = {str(registry.objects): "unknown"}

    def copies(*options):
        shape = invoke("info", "mni-T1", "dwi1", "--json", *options, cwd=registry.root).json
        return [item["copies"] for item in shape["items"]]

    nothing = {"work_tree": None, "cache": False}
    assert copies() == [nothing | {"remotes": unknown}] * 2
    assert copies("--remote") == [nothing | {"remotes": present}] * 2
    assert invoke("pull", "mni-T1", "dwi1:extra", cwd=registry.root).status == 0
    t1, dwi = copies("--remote")
    place = str(registry.root / "data" / "mni152" / "t1.nii.gz")
    assert t1 == {"work_tree": place, "cache": True, "remotes": present}
    assert (dwi["cache"], dwi["remotes"]) == (False, present)
    assert invoke("pull", "dwi1", cwd=registry.root).status == 0
    assert copies()[1]["cache"] is True


def test_another_state_in_the_work_tree_is_not_this_one(invoke, registry):
    assert invoke("pull", "mni-T1@1", cwd=registry.root).status == 0

    def place(name, *options):
        shape = invoke("info", name, "--json", *options, cwd=registry.root).json
        return shape["items"][0]["copies"]["work_tree"]

    path = str(registry.root / "data" / "mni152" / "t1.nii.gz")
    assert (place("mni-T1"), place("mni-T1@1"), place("mni-T1", "--rev", "v1")) == (
        None, path, path
    )  # fmt: skip
    (registry.root / "data" / "mni152" / "t1.nii.gz").unlink()
    (registry.root / "data" / "mni152" / "t1.nii.gz").write_bytes(b"my own")
    assert place("mni-T1") is None


def test_an_object_that_the_remote_lacks_is_missing(invoke, tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("a/one.wav", b"1", push=False)
    registry.commit()
    shape = invoke("info", "a/one.wav", "--remote", "--json", cwd=registry.root).json
    assert shape["items"][0]["copies"]["remotes"] == {str(registry.objects): "missing"}


def test_json_has_its_format_and_everything_that_is_known(invoke, shared):
    shape = invoke("info", "dwi1", "lab/tests", "--json", cwd=shared.root).json
    assert shape["format"] == "neurogister.info/1"
    assert shape["commit"] == shared.git("rev-parse", "HEAD").strip()
    folder, package = shape["items"]
    files = shared.find("dwi1").digests.files
    assert folder["content"] == [
        {"path": path, "size": file.size, "md5": file.md5, "sha256": file.sha256}
        for path, file in sorted(files.items())
    ]
    assert [version["version"] for version in folder["versions"]] == [1, 2]
    assert package["members"] == [
        {"dataset": "mni-T1", "part": None, "path": "t1.nii.gz", "version": None},
        {"dataset": "dwi1", "part": None, "path": "dwi", "version": None},
    ]


def test_fields_that_we_do_not_know_cannot_pass_for_those_that_we_do(invoke, tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("a/one.wav", b"1", copies={"cache": True}, colour="red")
    registry.find("a/one.wav").record["name"] = "other"
    registry.change_record("a/one.wav")
    registry.commit()
    shape = invoke("info", "a/one.wav", "--json", cwd=registry.root).json["items"][0]
    assert (shape["name"], shape["colour"]) == ("a/one.wav", "red")
    assert shape["copies"]["cache"] is False


def test_texts_of_strangers_are_printed_harmless(invoke, tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_file(
        "a/one.wav",
        b"1",
        description="first line\nsecond \u202e line",
        metadata={"key \u202e": "value \u200b", "new\nline": "x"},
    )
    registry.commit()
    result = invoke("info", "a/one.wav", cwd=registry.root)
    assert "  description: first line\n               second \\u202e line\n" in result.out
    assert "    key \\u202e: value \\u200b\n    new\\nline:" in result.out


def test_on_a_terminal_long_texts_are_wrapped(home, tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("a/one.wav", b"1", description="so many words " * 10, title="One")
    registry.commit()
    status, output = run_on_terminal("info", "a/one.wav", cwd=registry.root, columns=60)
    assert status == 0
    described = [line for line in output.splitlines() if "words" in line]
    assert len(described) > 2
    assert max(map(len, described)) <= 60
    assert described[1].startswith(" " * 15 + "so many") or described[1].startswith(" " * 15)


def test_nothing_to_look_at_is_a_usage_error(invoke, shared):
    result = invoke("info", cwd=shared.root)
    assert result.status == 2
    assert result.err.splitlines()[0].startswith("error: missing argument 'NAME")
    assert result.err.splitlines()[1] == "hint: `neurogister info --help` tells how to use it."
