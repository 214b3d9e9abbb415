"""``neurogister pull``: what it says and how it ends. What it promises: tests/integration."""

import pytest
from tests.cli.conftest import snapshot
from tests.factories import make_registry


def test_puts_data_at_its_place_and_prints_where(invoke, registry):
    t1 = registry.find("mni-T1").digests
    result = invoke("pull", "mni-T1", "dwi1", cwd=registry.root)
    assert result.lines == [
        str(registry.root / "data/mni152/t1.nii.gz"),
        str(registry.root / "data/scans/sub-01/dwi"),
    ]
    size = t1.size + registry.find("dwi1").digests.size
    assert result.err.splitlines() == [
        f"6 files to put in place; 6 objects, {size:,} bytes, to fetch",
        f"6 files put in place, 6 objects ({size / 1000:.1f} kB) fetched",
    ]
    assert (registry.root / "data/mni152/t1.nii.gz").stat().st_size == t1.size


def test_has_nothing_to_do_the_second_time_and_prints_the_same(invoke, registry):
    first = invoke("pull", "mni-T1", "dwi1", cwd=registry.root)
    again = invoke("pull", "mni-T1", "dwi1", cwd=registry.root)
    assert (again.status, again.out) == (0, first.out)
    assert again.err == "2 up to date, nothing to do\n"
    (registry.root / "data/mni152/t1.nii.gz").unlink()
    third = invoke("pull", "mni-T1", "dwi1", cwd=registry.root)
    assert third.err.splitlines()[-1] == (
        "1 file put in place, 0 objects (0 B) fetched, 1 up to date"
    )


def test_without_a_name_everything_comes_but_what_was_withdrawn(invoke, registry):
    result = invoke("pull", cwd=registry.root)
    assert result.status == 0, result.err
    assert [line.removeprefix(f"{registry.root}/") for line in result.lines] == [
        "data/mni152/t1.nii.gz",
        "data/mni152/t2.nii.gz",
        "data/old/first.wav",
        "data/scans/bare.wav",
        "data/scans/sub-01/dwi",
        "store/lab/tests",
    ]
    assert not (registry.root / "data/old/gone.wav").exists()


def test_delivers_to_a_folder_relative_to_the_working_directory(invoke, registry, tmp_path):
    for option in ("-o", "--into", "--output"):
        folder = tmp_path / option.strip("-")
        folder.mkdir()
        result = invoke("pull", "-C", registry.root, "mni-T1", option, "here/deep", cwd=folder)
        assert result.lines == [str(folder / "here/deep/mni152/t1.nii.gz")]
        assert (folder / "here/deep/mni152/t1.nii.gz").is_file()
    assert not (registry.root / "data/mni152/t1.nii.gz").exists()


def test_a_part_comes_without_the_rest(invoke, registry):
    one = invoke("pull", "dwi1:dwi.bval", cwd=registry.root)
    folder = registry.root / "data/scans/sub-01/dwi"
    assert one.lines == [str(folder / "dwi.bval")]
    some = invoke("pull", "dwi1:*.bv*", "scans/sub-01/dwi/extra", cwd=registry.root)
    assert some.lines == [str(folder), str(folder / "extra/other.txt")]
    found = sorted(path.name for path in folder.rglob("*") if path.is_file())
    assert found == ["dwi.bval", "dwi.bvec", "other.txt"]
    wrong = invoke("pull", "dwi1:dwi.bvel", cwd=registry.root)
    assert wrong.status == 3
    assert "hint: Perhaps dwi.bvec" in wrong.err


def test_paths_in_the_checkout_are_names_too(invoke, registry):
    folder = registry.root / "data/mni152"
    for name in ("t1.nii.gz", "t1.nii.gz.dvc", "./t1.nii.gz", "data/mni152/t1.nii.gz"):
        assert invoke("pull", name, cwd=folder).lines == [str(folder / "t1.nii.gz")]


def files(*folders):
    return {path: what for path, what in snapshot(*folders).items() if what != "folder"}


@pytest.mark.parametrize("options", [(), ("-o", "out")])
def test_dry_run_says_what_would_be_done_and_does_nothing(invoke, registry, options):
    before = files(registry.root / "data", registry.root / ".dvc", registry.objects)
    result = invoke("pull", "mni-T1", "dwi1", "--dry-run", *options, cwd=registry.root)
    size = registry.find("mni-T1").digests.size + registry.find("dwi1").digests.size
    assert result.status == 10
    assert len(result.lines) == 2
    assert result.err == (
        f"6 files would be put in place, 6 objects ({size / 1000:.1f} kB) would be fetched\n"
    )
    assert files(registry.root / "data", registry.root / ".dvc", registry.objects) == before
    assert not (registry.root / "out").exists()
    assert invoke("pull", "mni-T1", "dwi1", *options, cwd=registry.root).status == 0
    done = invoke("pull", "mni-T1", "dwi1", "-n", *options, cwd=registry.root)
    assert (done.status, done.err) == (0, "2 up to date, nothing to do\n")


def test_a_changed_file_is_kept_and_force_overwrites_it(invoke, registry):
    place = registry.write("data/mni152/t1.nii.gz", b"my own work")
    refused = invoke("pull", "mni-T1", "mni-t2", cwd=registry.root)
    assert (refused.status, refused.out) == (7, "")
    assert refused.err.splitlines() == [
        f"error: {place}: changed here, and the content is kept nowhere else",
        "hint: Nothing was changed. Move it away, pull elsewhere with `-o DIR`, or overwrite it"
        " with `--force`.",
    ]
    assert place.read_bytes() == b"my own work"
    assert not (registry.root / "data/mni152/t2.nii.gz").exists()
    assert invoke("pull", "--force", "mni-T1", cwd=registry.root).status == 0
    assert place.stat().st_size == registry.find("mni-T1").digests.size


def test_what_was_withdrawn_is_refused(invoke, registry):
    result = invoke("pull", "gone-1", cwd=registry.root)
    assert (result.status, result.out) == (7, "")
    assert (
        result.err.splitlines()[0]
        == "error: old/gone.wav was withdrawn on 2024-02-01: a face in it"
    )
    assert "`neurogister info old/gone.wav` tells why" in result.err
    elsewhere = invoke("pull", "tape-1", cwd=registry.root)
    assert elsewhere.status == 3
    assert "`neurogister info old/tape.nii` tells where it is" in elsewhere.err


def test_one_failure_stops_nothing_else(invoke, tmp_path):
    registry = make_registry(tmp_path / "registry")
    for name in ("a/one.wav", "a/two.wav", "a/three.wav"):
        registry.add_file(name, name.encode())
    registry.commit()
    wrong = registry.object_path(registry.find("a/two.wav").digests)
    wrong.write_bytes(b"A/TWO.WAV")
    result = invoke("pull", cwd=registry.root)
    assert result.status == 4
    assert [line.rpartition("/")[2] for line in result.lines] == ["one.wav", "three.wav"]
    assert result.err.splitlines()[1] == "2 files put in place, 1 failed"
    assert result.err.splitlines()[2].startswith("error: a/two.wav: the object ")
    assert not (registry.root / "data/a/two.wav").exists()
    shapes = invoke("pull", "--json", cwd=registry.root).json_lines
    assert [(shape["name"], shape["status"]) for shape in shapes] == [
        ("a/one.wav", "unchanged"), ("a/three.wav", "unchanged"), ("a/two.wav", "failed")
    ]  # fmt: skip
    assert shapes[2]["error"]["code"] == "verification-failed"


def test_json_has_a_line_for_each_name(invoke, registry):
    digests = registry.find("mni-T1").digests
    shape = {
        "format": "neurogister.pull/1",
        "name": "mni152/t1.nii.gz",
        "version": 2,
        "part": None,
        "zip": None,
        "path": str(registry.root / "data/mni152/t1.nii.gz"),
        "files": 1,
        "placed": 1,
        "size": digests.size,
        "status": "pulled",
        "error": None,
    }
    planned = invoke("pull", "mni-T1", "--json", "--dry-run", cwd=registry.root)
    assert (planned.status, planned.json_lines) == (10, [shape | {"status": "planned"}])
    assert invoke("pull", "mni-T1", "--json", cwd=registry.root).json_lines == [shape]
    assert invoke("pull", "mni-T1", "--json", cwd=registry.root).json_lines == [
        shape | {"status": "unchanged", "placed": 0}
    ]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["nothing-like-it"], 3, "there is no dataset or package 'nothing-like-it'"),
        (["mni-T1", "--remote", "nowhere"], 3, "there is no remote 'nowhere'"),
        (["mni-T1", "--jobs", "0"], 2, "jobs must be a whole number from 1 to 1000, not 0"),
        (["mni-T1", "--jobs", "many"], 2, "invalid value for '--jobs'"),
        (["mni-T1", "--offline"], 9, "mni152/t1.nii.gz"),
        (["mni-T1@9"], 3, "mni152/t1.nii.gz has no version 9"),
        (["mni-T1", "--rev", "nowhere"], 3, "there is no revision 'nowhere'"),
        (["mni-T1", "--int"], 2, "no such option: --int"),
    ],
)
def test_every_failure_has_its_status_and_words_also_in_json(
    invoke, registry, arguments, status, message
):
    result = invoke("pull", *arguments, cwd=registry.root)
    assert (result.status, result.out) == (status, "")
    lines = result.err.splitlines()
    (error,) = [line for line in lines if line.startswith("error: ")]
    assert message in error.removeprefix("error: ").replace("No such", "no such")
    assert "Traceback" not in result.err
    shape = invoke("pull", "--json", *arguments, cwd=registry.root).error
    assert shape["status"] == status
    assert message in shape["message"]
