"""``neurogister versions``."""

from tests.cli.conftest import run_on_terminal


def test_lists_the_ledger_oldest_first(invoke, shared):
    first, second = shared.find("mni-T1").record["versions"]
    result = invoke("versions", "mni-T1", cwd=shared.root)
    assert result.rows == [
        ["1", "2024-01-01", str(first["size"]), "", first["md5"], "Test Author", ""],
        ["2", "2024-01-01", str(second["size"]), "", second["md5"], "Test Author", "straightened"],
    ]
    assert (result.status, result.err) == (0, "")
    assert [row[:4:3] for row in invoke("versions", "dwi1", cwd=shared.root).rows] == [
        ["1", "5"], ["2", "5"]
    ]  # fmt: skip


def test_lists_the_versions_of_a_package(invoke, shared):
    rows = invoke("versions", "lab/tests", cwd=shared.root).rows
    assert [(row[0], row[3], row[6]) for row in rows] == [
        ("1.0.0", "2", ""), ("1.1.0", "6", "the whole acquisition")
    ]  # fmt: skip


def test_a_pointer_without_record_is_counted_in_the_history_of_git(invoke, shared):
    result = invoke("versions", "scans/bare.wav", "--json", cwd=shared.root)
    shape = result.json
    assert (shape["format"], shape["name"]) == ("neurogister.versions/1", "scans/bare.wav")
    assert [version["version"] for version in shape["versions"]] == [1, 2]
    assert shape["versions"][1]["md5"] == shared.find("scans/bare.wav").digests.md5
    assert {version["by"] for version in shape["versions"]} == {"Test Author"}
    assert all(version["date"].startswith("2024-01-01") for version in shape["versions"])


def test_what_has_no_versions_says_so(invoke, shared):
    result = invoke("versions", "tape-1", cwd=shared.root)
    assert (result.status, result.out, result.err) == (0, "", "old/tape.nii has no versions yet\n")


def test_an_older_revision_has_fewer(invoke, shared):
    assert len(invoke("versions", "mni-T1", "--rev", "v1", cwd=shared.root).rows) == 1


def test_one_name_at_a_time(invoke, shared):
    several = invoke("versions", "mni152/*", cwd=shared.root)
    assert (several.status, several.out) == (2, "")
    assert several.err == (
        "error: 'mni152/*' stands for 2: mni152/t1.nii.gz, mni152/t2.nii.gz\n"
        "hint: Name one of them.\n"
    )
    assert invoke("versions", "mni-T11", cwd=shared.root).status == 3
    assert invoke("versions", cwd=shared.root).status == 2


def test_on_a_terminal_it_fits(home, shared):
    for columns in (50, 80, 140):
        status, output = run_on_terminal("versions", "mni-T1", cwd=shared.root, columns=columns)
        assert status == 0
        assert max(map(len, output.splitlines())) <= columns
        assert "straightened" in output
    assert shared.find("mni-T1").digests.md5 in output
