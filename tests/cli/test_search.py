"""``neurogister search``."""

import pytest
from tests.cli.conftest import run_on_terminal
from tests.factories import make_registry

T1 = "mni152/t1.nii.gz"


def names(result):
    assert result.status == 0, result.err
    return [row[0] for row in result.rows]


def test_prints_what_has_all_words(invoke, shared):
    result = invoke("search", "t1", cwd=shared.root)
    size = str(shared.find(T1).digests.size)
    assert result.rows == [
        [T1, "mni-T1", "2", size, "t1w", "CC-BY-4.0", "active", "T1"],
        ["old/tape.nii", "tape-1", "", "", "t1w", "CC0-1.0", "active", "On a tape"],
    ]
    assert result.err == ""
    assert names(invoke("search", "TAPE", "on", cwd=shared.root)) == ["old/tape.nii"]
    assert names(invoke("search", '"on a tape"', cwd=shared.root)) == ["old/tape.nii"]
    assert names(invoke("search", "templates", cwd=shared.root)) == [T1, "mni152/t2.nii.gz"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--dtype", "t1w"], [T1, "old/tape.nii"]),
        (["--dtype", "t1w", "--kind", "resource"], ["old/tape.nii"]),
        (["--archive", "attic"], ["old/tape.nii"]),
        (["--license", "CC-BY-*"], [T1, "mni152/t2.nii.gz"]),
        (["--collection", "mni152", "-K", "dtype=t1w"], ["mni152/t2.nii.gz"]),
        (["--collection", "mni152", "-K", "dtype!=t1w"], ["mni152/t2.nii.gz"]),
        (["--status", "withdrawn"], ["old/gone.wav"]),
        (["--created-by", "Test Author", "-k", "version>1", "wav"], []),
        (["--kind", "package"], ["lab/tests"]),
        (["-k", "version>=2", "-k", "nfiles=1"], [T1]),
        (["-k", "id=old-*", "--where", "status!=active"], ["old/first.wav"]),
        (["-K", "id", "--where-not", "kind=package"], ["scans/bare.wav"]),
    ],
)
def test_options_choose(invoke, shared, options, expected):
    assert names(invoke("search", *options, cwd=shared.root)) == expected


def test_a_digest_is_found_in_any_version(invoke, shared):
    (before, after) = shared.find("mni-T1").record["versions"]
    for text in (before["md5"], after["sha256"][:10], f"sha256:{before['sha256']}"):
        assert names(invoke("search", "--digest", text, cwd=shared.root)) == [T1]
    assert names(invoke("search", before["md5"][:12], cwd=shared.root)) == [T1]


def test_a_long_result_is_cut_and_that_is_said(invoke, shared):
    result = invoke("search", "--limit", "2", cwd=shared.root)
    assert names(result) == ["lab/tests", T1]
    assert result.err == "6 more results; `--limit 0` shows all\n"
    assert invoke("search", "--limit", "7", cwd=shared.root).err.startswith("1 more result;")
    everything = invoke("search", "--limit", "0", cwd=shared.root)
    assert (len(everything.rows), everything.err) == (8, "")
    assert invoke("search", "--limit", "2", "--quiet", cwd=shared.root).err == ""


def test_nothing_found_is_no_error(invoke, shared):
    result = invoke("search", "no-such-word", cwd=shared.root)
    assert (result.status, result.out) == (0, "")
    assert result.err == "nothing found (fewer words, or `neurogister list`, show more)\n"
    result = invoke("search", "no-such-word", "--json", cwd=shared.root)
    assert (result.status, result.out) == (0, "")


def test_json_has_a_line_for_each(invoke, shared):
    (line,) = invoke("search", "on a tape", "--json", cwd=shared.root).json_lines
    assert line == {
        "format": "neurogister.search/1",
        "name": "old/tape.nii",
        "id": "tape-1",
        "kind": "resource",
        "version": None,
        "title": "On a tape",
        "dtype": "t1w",
        "license": "CC0-1.0",
        "status": "active",
        "collection": "old",
        "folder": False,
        "size": None,
        "files": None,
        "md5": None,
        "path": "data/old/tape.nii.yaml",
        "error": None,
        "description": None,
        "created_by": None,
        "created_on": None,
        "metadata": {},
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-k", "age>old"], "'age>old' compares with 'old', which is neither a number nor a date"),
        (["-K", "=5"], "'=5' is no condition: a key is missing"),
        (['"open'], "the quote in '\"open' is not closed"),
        (["a", "**"], "'**' has no letter or digit to search for"),
        (["--digest", "zz"], "'zz' is no digest"),
        (["--status", "lost"], "there is no status 'lost'"),
        (["--kind", "thing"], "there is no kind 'thing'"),
        (["--limit", "-1"], "the limit is -1, and must be 0 (all) or more"),
    ],
)
def test_what_makes_no_sense_is_named(invoke, shared, arguments, message):
    result = invoke("search", *arguments, cwd=shared.root)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith(f"error: {message}\n")


def test_an_older_revision_is_searched_as_it_was(invoke, shared):
    assert names(invoke("search", "tape", "--rev", "v1", cwd=shared.root)) == []
    (row,) = invoke("search", "mni-T1", "--rev", "v1", cwd=shared.root).rows
    assert row[2] == "1"


def test_what_is_broken_is_found_by_name(invoke, tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("a/one.wav", b"1", title="broken")
    registry.write("data/a/two.wav.dvc", "outs:\n- md5: not-a-digest\n")
    registry.commit()
    assert names(invoke("search", "two", cwd=registry.root)) == ["a/two.wav"]
    assert names(invoke("search", "--status", "broken", cwd=registry.root)) == ["a/two.wav"]


def test_on_a_terminal_a_table_fits(home, shared):
    for columns in (60, 100):
        status, output = run_on_terminal("search", "mni152", cwd=shared.root, columns=columns)
        lines = output.splitlines()
        assert status == 0
        assert (lines[0].split()[0], lines[0].split()[-1]) == ("NAME", "TITLE")
        assert len(lines) == 3
        assert max(map(len, lines)) <= columns
