"""``neurogister lock``: what it says and how it ends. What it promises: tests/integration."""

import json

import pytest


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def test_adding_says_what_and_writes_the_file(invoke, registry, project):
    result = invoke("lock", "add", "-C", registry.root, "mni-T1", "lab/tests@1.0.0", cwd=project)

    assert result.status == 0, result.err
    size = registry.find("mni-T1").digests.size
    assert result.rows[0] == ["added", "mni152/t1.nii.gz", "2", str(size)]
    assert result.rows[1][:3] == ["added", "lab/tests", "1.0.0"]
    assert result.err.splitlines()[-1] == f"{project / 'neurogister.lock'} written"
    again = invoke("lock", "add", "-C", registry.root, "mni-T1", cwd=project)
    assert again.rows == [["unchanged", "mni152/t1.nii.gz", "2", str(size)]]
    assert "written" not in again.err


def test_another_version_takes_the_place_of_the_one_before(invoke, registry, project):
    invoke("lock", "add", "-C", registry.root, "mni-T1@1", cwd=project)
    result = invoke("lock", "add", "-C", registry.root, "mni-T1@2", cwd=project)

    assert result.rows[0][:3] == ["changed", "mni152/t1.nii.gz", "1 → 2"]


def test_dry_run_writes_nothing(invoke, registry, project):
    result = invoke("lock", "add", "-C", registry.root, "mni-T1", "--dry-run", cwd=project)

    assert result.status == 10
    assert result.err.splitlines()[-1].endswith("neurogister.lock would be written")
    assert list(project.iterdir()) == []


def test_add_as_json(invoke, registry, project):
    result = invoke("lock", "add", "--json", "-C", registry.root, "dwi1:dwi.bval", cwd=project)

    (shape,) = result.json_lines
    after = shape.pop("after")
    assert shape == {
        "format": "neurogister.lock/1", "name": "scans/sub-01/dwi", "part": "dwi.bval",
        "status": "added", "before": None, "error": None,
    }  # fmt: skip
    assert (after["version"], after["files"], after["withdrawn"]) == (2, 1, False)
    assert after["registry"] == str(registry.root)


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("nothing", 3, "no dataset or package 'nothing'"),
        ("mni-T1@9", 3, "has no version 9"),
        ("dwi1:none", 3, "has no file 'none'"),
        ("gone-1", 7, "was withdrawn on 2024-02-01: a face in it"),
        ("tape-1", 3, "kept outside DVC"),
    ],
)
def test_what_cannot_be_locked(invoke, registry, project, name, status, message):
    result = invoke("lock", "add", "-C", registry.root, name, cwd=project)

    assert result.status == status
    assert message in result.err
    assert list(project.iterdir()) == []


@pytest.mark.parametrize("arguments", [["upgrade"], ["check"], ["diff"], ["sync"], ["remove", "x"]])
def test_without_a_lockfile_there_is_a_hint(invoke, project, arguments):
    result = invoke("lock", *arguments, cwd=project)

    assert result.status == 3
    assert "there is no neurogister.lock here, nor in a folder above" in result.err
    assert "hint: `neurogister lock add NAME` makes one." in result.err


def test_remove_takes_names_and_globs(invoke, registry, project):
    invoke("lock", "add", "-C", registry.root, "mni-T1", "mni-t2", "dwi1", cwd=project)
    result = invoke("lock", "remove", "mni152/*", cwd=project)

    assert [row[:2] for row in result.rows] == [
        ["removed", "mni152/t1.nii.gz"], ["removed", "mni152/t2.nii.gz"],
    ]  # fmt: skip
    assert "mni152" not in (project / "neurogister.lock").read_text()
    result = invoke("lock", "remove", "mni-T1", cwd=project)
    assert (result.status, result.out) == (3, "")
    assert "mni-T1 is not in the lockfile" in result.err


def test_diff_tells_files_and_bytes(invoke, registry, project):
    invoke("lock", "add", "-C", registry.root, "dwi1@1", "mni-T1", cwd=project)
    before = (project / "neurogister.lock").read_bytes()
    result = invoke("lock", "diff", cwd=project)

    signs = {(row[0], row[1], row[2]) for row in result.rows}
    assert ("+", "scans/sub-01/dwi", "extra/other.txt") in signs
    assert ("-", "scans/sub-01/dwi", "extra/note.txt") in signs
    assert ("~", "scans/sub-01/dwi", "dwi.nii.gz") in signs
    assert result.err.startswith("scans/sub-01/dwi 1 → 2: ")
    shapes = invoke("lock", "diff", "--json", cwd=project).json_lines
    assert [shape["status"] for shape in shapes] == ["unchanged", "changed"]
    assert {change["change"] for change in shapes[1]["changes"]} == {"added", "removed", "changed"}
    assert (project / "neurogister.lock").read_bytes() == before


def test_upgrade_says_from_what_to_what(invoke, registry, project):
    invoke("lock", "add", "-C", registry.root, "dwi1@1", "mni-T1", cwd=project)
    assert invoke("lock", "upgrade", "--dry-run", cwd=project).status == 10
    result = invoke("lock", "upgrade", cwd=project)

    assert [row[:3] for row in result.rows] == [
        ["unchanged", "mni152/t1.nii.gz", "2"],
        ["changed", "scans/sub-01/dwi", "1 → 2"],
    ]
    assert invoke("lock", "diff", cwd=project).err == "2 things locked, nothing newer\n"


def test_sync_is_pull_locked(invoke, registry, project):
    invoke("lock", "add", "-C", registry.root, "mni-T1", "dwi1:dwi.bval", cwd=project)
    dry = invoke("lock", "sync", "--dry-run", cwd=project)
    assert dry.status == 10
    one = invoke("lock", "sync", cwd=project)
    two = invoke("pull", "--locked", cwd=project)

    assert one.lines == two.lines == [
        str(project / "mni152/t1.nii.gz"), str(project / "scans/sub-01/dwi/dwi.bval"),
    ]  # fmt: skip
    assert two.err == "2 up to date, nothing to do\n"
    shapes = invoke("lock", "sync", "--json", "mni-T1", cwd=project).json_lines
    assert [(each["format"], each["status"]) for each in shapes] == [
        ("neurogister.pull/1", "unchanged")
    ]


def test_pull_locked_takes_a_lockfile_from_elsewhere(invoke, registry, project, tmp_path):
    invoke("lock", "add", "-C", registry.root, "mni-T1", cwd=project)
    result = invoke(
        "pull", "--lockfile", project / "neurogister.lock", "-o", "here", "mni-T1", cwd=tmp_path
    )

    assert result.lines == [str(tmp_path / "here/mni152/t1.nii.gz")]


@pytest.mark.parametrize("option", [["-C", "elsewhere"], ["--rev", "v1"]])
def test_a_registry_makes_no_sense_for_pull_locked(invoke, registry, project, option):
    invoke("lock", "add", "-C", registry.root, "mni-T1", cwd=project)
    result = invoke("pull", "--locked", *option, cwd=project)

    assert result.status == 2
    assert "a lockfile names its registries itself" in result.err


def test_another_remote_can_be_chosen_by_its_name(invoke, registry, project):
    invoke("lock", "add", "-C", registry.root, "mni-T1", cwd=project)
    wrong = invoke("pull", "--locked", "--remote", "other", cwd=project)

    assert wrong.status == 3
    assert "the lockfile has no remote 'other'" in wrong.err
    assert "hint: It has: storage." in wrong.err
    assert invoke("pull", "--locked", "--remote", "storage", cwd=project).status == 0


def test_offline_and_not_in_the_cache_is_9(invoke, registry, project):
    invoke("lock", "add", "-C", registry.root, "mni-T1", cwd=project)
    result = invoke("pull", "--locked", "--offline", cwd=project)

    assert result.status == 9
    assert "mni152/t1.nii.gz is not in the cache" in result.err


def test_check_tells_what_is_newer(invoke, registry, project):
    invoke("lock", "add", "-C", registry.root, "dwi1@1", "mni-T1", cwd=project)
    result = invoke("lock", "check", cwd=project)

    assert result.status == 0, result.err
    assert result.rows == [
        ["same", "mni152/t1.nii.gz", "2", "", ""],
        ["same", "scans/sub-01/dwi", "1", "2", ""],
    ]
    shapes = invoke("lock", "check", "--json", "dwi1", cwd=project).json_lines
    assert shapes == [
        {"format": "neurogister.lock-check/1", "name": "scans/sub-01/dwi", "part": None,
         "version": 1, "status": "same", "detail": None, "newest": 2},
    ]  # fmt: skip


def test_check_ends_with_7_and_marks_what_was_withdrawn(invoke, registry, project):
    invoke("lock", "add", "-C", registry.root, "mni-T1", cwd=project)
    registry.change_record(
        "mni-T1", status="withdrawn", withdrawn={"date": "2026-01-01", "reason": "a face"}
    )
    registry.commit("Withdraw")
    result = invoke("lock", "check", cwd=project)

    assert result.status == 7
    assert result.rows == [
        ["withdrawn", "mni152/t1.nii.gz", "2", "", "was withdrawn on 2026-01-01: a face"]
    ]
    assert result.err.splitlines()[:2] == [
        f"marks of withdrawal written to {project / 'neurogister.lock'}",
        "error: mni152/t1.nii.gz@2 was withdrawn on 2026-01-01: a face",
    ]
    refused = invoke("pull", "--locked", "--json", cwd=project)
    assert refused.status == 7
    assert json.loads(refused.err.splitlines()[-1])["error"]["code"] == "refused"
    upgraded = invoke("lock", "upgrade", cwd=project)
    assert (upgraded.status, upgraded.rows[0][0]) == (7, "failed")


def test_upgrading_goes_on_where_one_cannot(invoke, registry, project):
    invoke("lock", "add", "-C", registry.root, "mni-T1", "dwi1@1", cwd=project)
    registry.pointer_path("mni-T1").unlink()
    registry.commit("Gone")
    result = invoke("lock", "upgrade", cwd=project)

    assert result.status == 3
    assert [row[0] for row in result.rows] == ["failed", "changed"]
    assert "version = 2\n" in (project / "neurogister.lock").read_text()


def test_completion_knows_the_names_of_the_lockfile(invoke, complete, registry, project):
    names = ("mni-T1", "lab/tests", "dwi1:dwi.bval")
    invoke("lock", "add", "-C", registry.root, *names, cwd=project)
    invoke("lock", "add", "-C", registry.root, "mni-t2", "--lockfile", "b.lock", cwd=project)

    for words in (["lock", "remove"], ["lock", "upgrade"], ["lock", "check"], ["lock", "diff"],
                  ["lock", "sync"], ["pull", "--locked"]):  # fmt: skip
        assert complete(project, *words, "m") == ["mni-T1", "mni152/t1.nii.gz"]
        assert complete(project, *words, "scans/") == ["scans/sub-01/dwi:dwi.bval"]
        assert complete(project, *words, "--lockfile", "b.lock", "mni-") == ["mni-t2"]
        assert complete(project, *words, "mni-T1", "lab") == ["lab/tests"]
    assert complete(project, "pull", "--lockfile", "b.lock", "mni-") == ["mni-t2"]
    assert complete(project, "pull", "m") == []
    assert complete(registry.root, "pull", "mni-") == ["mni-T1", "mni-t2"]
    assert complete(registry.root, "lock", "sync", "mni-") == []
    (project / "neurogister.lock").write_text("no TOML")
    assert complete(project, "lock", "sync", "m") == []
