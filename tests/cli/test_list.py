"""``neurogister list``."""

import pytest
from tests.cli.conftest import run_on_terminal
from tests.factories import make_registry

NAMES = [
    "mni152/t1.nii.gz",
    "mni152/t2.nii.gz",
    "old/first.wav",
    "old/gone.wav",
    "old/tape.nii",
    "scans/bare.wav",
    "scans/sub-01/dwi",
]


def names(result):
    assert result.status == 0, result.err
    return [row[0] for row in result.rows]


def test_lists_all_datasets_with_their_fields_between_tabs(invoke, shared):
    result = invoke("list", cwd=shared.root)
    assert names(result) == NAMES
    size = str(shared.find("mni152/t1.nii.gz").digests.size)
    assert result.rows[0] == [
        "mni152/t1.nii.gz", "mni-T1", "2", size, "1", "t1w", "CC-BY-4.0", "active", "T1"
    ]  # fmt: skip
    assert result.rows[-1][:5] == [
        "scans/sub-01/dwi", "dwi1", "2", str(shared.find("dwi1").digests.size), "5"
    ]  # fmt: skip
    assert result.err == ""


def test_a_bare_pointer_has_empty_fields_not_invented_ones(invoke, shared):
    row = invoke("list", "scans/bare.wav", cwd=shared.root).rows[0]
    size = str(shared.find("scans/bare.wav").digests.size)
    assert row == ["scans/bare.wav", "", "", size, "1", "", "CC0-1.0", "active", ""]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("mni152", NAMES[:2]),
        ("mni152/", NAMES[:2]),
        ("data/mni152/", NAMES[:2]),
        ("data/mni152", NAMES[:2]),
        ("scans/sub-01", NAMES[-1:]),
        ("mni152/t1.nii.gz", NAMES[:1]),
        ("data/mni152/t1.nii.gz.dvc", NAMES[:1]),
        ("MNI-t1", NAMES[:1]),
        ("mni-*", NAMES[:2]),
        ("*.wav", ["old/first.wav", "old/gone.wav", "scans/bare.wav"]),
        ("data/old/*", NAMES[2:5]),
        ("scans/*dwi", NAMES[-1:]),
        ("*/t[12].*", NAMES[:2]),
    ],
)
def test_a_pattern_is_a_glob_a_name_or_a_folder(invoke, shared, pattern, expected):
    assert names(invoke("list", pattern, cwd=shared.root)) == expected


def test_paths_start_at_the_working_directory_when_they_start_with_a_dot(invoke, shared):
    folder = shared.root / "data" / "scans"
    assert names(invoke("list", ".", cwd=folder)) == NAMES[-2:]
    assert names(invoke("list", "./sub-01", cwd=folder)) == NAMES[-1:]
    assert names(invoke("list", "../mni152", cwd=folder)) == NAMES[:2]
    assert names(invoke("list", ".", cwd=shared.root)) == NAMES
    assert names(invoke("list", cwd=folder)) == NAMES


def test_a_glob_without_match_is_no_error_and_a_wrong_name_is_one(invoke, shared):
    nothing = invoke("list", "zzz*", cwd=shared.root)
    assert (nothing.status, nothing.out, nothing.err) == (0, "", "no datasets match\n")
    wrong = invoke("list", "mni125", cwd=shared.root)
    assert (wrong.status, wrong.out) == (3, "")
    assert wrong.err == (
        "error: there is no dataset, package or folder 'mni125'\nhint: Perhaps mni152?\n"
    )


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--dtype", "t1w", ["mni152/t1.nii.gz", "old/tape.nii"]),
        ("--license", "CC-BY-4.0", NAMES[:2]),
        ("--status", "withdrawn", ["old/gone.wav"]),
        ("--status", "deprecated", ["old/first.wav"]),
        ("--status", "broken", []),
        ("--dtype", "t2w", []),
    ],
)
def test_fields_choose_datasets(invoke, shared, option, value, expected):
    assert names(invoke("list", option, value, cwd=shared.root)) == expected


def test_a_wrong_status_is_a_usage_error(invoke, shared):
    result = invoke("list", "--status", "retired", cwd=shared.root)
    assert result.status == 2
    assert result.err == (
        "error: there is no status 'retired'\nhint: One of active, deprecated, withdrawn, broken.\n"
    )


def test_packages_vendors_collections_and_dtypes(invoke, shared):
    size = str(shared.packages["lab/tests"].size)
    assert invoke("list", "--packages", cwd=shared.root).rows == [
        ["lab/tests", "", "1.1.0", size, "6", "", "CC0-1.0", "active", "Tests"]
    ]
    assert invoke("list", "--vendors", cwd=shared.root).rows == [["lab", "", "1", "lab"]]
    assert invoke("list", "--collections", cwd=shared.root).rows == [
        ["mni152", "2", "CC-BY-4.0", "Templates"],
        ["old", "3", "CC0-1.0", "old"],
        ["scans", "2", "CC0-1.0", "scans"],
    ]
    assert invoke("list", "--dtypes", "t1w", cwd=shared.root).rows == [
        ["t1w", "application/x-nifti", "nii.gz nii", "yes", "Anatomical image, T1-weighted"]
    ]
    nothing = invoke("list", "--archives", cwd=shared.root)
    assert (nothing.status, nothing.out) == (0, "")
    assert nothing.err == f"{shared.root} has no archives\n"


def test_packages_are_chosen_by_pattern_too(invoke, shared):
    for pattern in ("lab", "lab/*", "store/lab", "lab/tests", "store/lab/tests.dvc"):
        assert names(invoke("list", "--packages", pattern, cwd=shared.root)) == ["lab/tests"]
    assert invoke("list", "--packages", "lap", cwd=shared.root).status == 3


def test_one_kind_at_a_time(invoke, shared):
    result = invoke("list", "--packages", "--vendors", cwd=shared.root)
    assert result.status == 2
    assert result.err == ("error: list one kind at a time\nhint: Choose --packages or --vendors.\n")
    assert invoke("list", "--packages", "--dtype", "t1w", cwd=shared.root).status == 2


def test_json_is_one_document_with_its_format(invoke, shared):
    shape = invoke("list", "mni152/t1.nii.gz", "--json", cwd=shared.root).json
    digests = shared.find("mni152/t1.nii.gz").digests
    assert shape == {
        "format": "neurogister.list/1",
        "registry": str(shared.root),
        "commit": shared.git("rev-parse", "HEAD").strip(),
        "kind": "datasets",
        "items": [
            {
                "name": "mni152/t1.nii.gz",
                "id": "mni-T1",
                "kind": "dataset",
                "version": 2,
                "title": "T1",
                "dtype": "t1w",
                "license": "CC-BY-4.0",
                "status": "active",
                "collection": "mni152",
                "folder": False,
                "size": digests.size,
                "files": 1,
                "md5": digests.md5,
                "path": "data/mni152/t1.nii.gz.dvc",
                "error": None,
            }
        ],
    }


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("packages", {"name", "vendor", "department", "purpose", "version", "md5"}),
        ("vendors", {"name", "department", "packages", "title", "error"}),
        ("collections", {"name", "datasets", "license", "title", "error"}),
        ("dtypes", {"name", "content_type", "extensions", "downloadable", "title"}),
    ],
)
def test_json_of_every_kind(invoke, shared, kind, keys):
    shape = invoke("list", f"--{kind}", "--json", cwd=shared.root).json
    assert (shape["format"], shape["kind"]) == ("neurogister.list/1", kind)
    assert shape["items"]
    assert all(keys <= set(item) for item in shape["items"])


def test_an_older_revision_lists_what_was_there(invoke, shared):
    for rev in ("v1", "HEAD~1", shared.git("rev-parse", "v1")[:8]):
        result = invoke("list", "--rev", rev, cwd=shared.root)
        assert "old/first.wav" not in names(result)
        assert result.rows[0][2] == "1"
    unknown = invoke("list", "--rev", "v9", cwd=shared.root)
    assert unknown.status == 3
    assert unknown.err.startswith("error: there is no revision 'v9'\n")


def test_names_and_titles_of_strangers_are_printed_harmless(invoke, shared):
    result = invoke("list", "mni152/t2.nii.gz", cwd=shared.root)
    assert result.rows[0][-1] == "Bad \\u202e title\\nin two \\u200b lines"
    assert len(result.lines) == 1


def test_what_is_broken_is_listed_and_told_on_standard_error(invoke, tmp_path):
    registry = make_registry(tmp_path / "registry")
    registry.add_file("a/one.wav", b"1")
    registry.write("data/a/two.wav.dvc", "outs:\n- md5: not-a-digest\n")
    registry.commit()
    result = invoke("list", cwd=registry.root)
    assert result.status == 0
    assert [row[0] for row in result.rows] == ["a/one.wav", "a/two.wav"]
    assert result.rows[1][7] == "broken"
    assert result.err.startswith("warning: data/a/two.wav.dvc:2")


def test_on_a_terminal_a_table_fits(home, shared):
    for columns in (60, 80, 120):
        status, output = run_on_terminal("list", cwd=shared.root, columns=columns)
        lines = output.splitlines()
        assert status == 0
        assert lines[0].split()[0] == "NAME"
        assert lines[0].split()[-1] == "TITLE"
        assert len(lines) == 1 + len(NAMES)
        assert max(map(len, lines)) <= columns
        assert lines[1].startswith("mni152/t1.nii.gz")
        assert "\x1b" not in output
    assert "STATUS" in lines[0]  # not all of them are active: that must be seen
