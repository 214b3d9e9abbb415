"""``neurogister dtype``."""

import json

import pytest

SCHEMA = {"type": "object", "properties": {"age": {"type": "number"}}}


def dtype(invoke, registry, *arguments):
    return invoke("dtype", *arguments, cwd=registry.root)


def test_list(invoke, registry):
    result = dtype(invoke, registry, "list")
    assert [row[0] for row in result.rows] == ["any", "audio", "dwi", "t1w"]
    assert result.rows[2][1] == "nii.gz, nii"
    shape = dtype(invoke, registry, "list", "--json").json
    assert shape["format"] == "neurogister.dtypes/1"
    assert shape["dtypes"][1] == {
        "name": "audio", "title": "Sound", "description": None, "content_type": "audio/wav",
        "extensions": ["wav"], "downloadable": True, "schema": None,
    }  # fmt: skip


def test_add(invoke, registry, tmp_path):
    path = registry.root / "registry.yaml"
    path.write_text(f"# ours\n{path.read_text()}# the end\n")
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps(SCHEMA))
    result = dtype(
        invoke, registry, "add", "eeg", "--title", "EEG", "--description", "D", "--content-type",
        "x/y", "--extension", ".edf", "--extension", "bdf", "--downloadable", "--schema", schema,
        "--commit",
    )  # fmt: skip
    assert result.status == 0, result.err
    assert result.lines == ["schemas/dtypes/eeg.schema.json", "registry.yaml"]
    text = path.read_text()
    assert text.startswith("# ours\n")
    assert "# the end\n" in text
    [shape] = [
        each
        for each in dtype(invoke, registry, "list", "--json").json["dtypes"]
        if each["name"] == "eeg"
    ]
    assert shape == {
        "name": "eeg", "title": "EEG", "description": "D", "content_type": "x/y",
        "extensions": ["edf", "bdf"], "downloadable": True,
        "schema": "schemas/dtypes/eeg.schema.json",
    }  # fmt: skip
    assert registry.git("log", "-1", "--format=%s").strip() == "Add the dtype eeg"


def test_again_is_nothing(invoke, registry):
    dtype(invoke, registry, "add", "eeg", "--title", "EEG")
    before = (registry.root / "registry.yaml").read_bytes()
    result = dtype(invoke, registry, "add", "eeg", "--title", "EEG")
    assert (result.status, result.out) == (0, "")
    assert "the registry has the dtype eeg already" in result.err
    assert (registry.root / "registry.yaml").read_bytes() == before


def test_the_first_dtype_of_a_registry(invoke, registry):
    path = registry.root / "registry.yaml"
    path.write_text("name: r\ndtypes:\n")
    assert dtype(invoke, registry, "add", "eeg").status == 0
    assert path.read_text() == "name: r\ndtypes:\n  eeg:\n    downloadable: false\n"


def test_dry_run(invoke, registry):
    before = (registry.root / "registry.yaml").read_bytes()
    result = dtype(invoke, registry, "add", "eeg", "--dry-run")
    assert (result.status, result.lines) == (10, ["registry.yaml"])
    assert (registry.root / "registry.yaml").read_bytes() == before
    assert dtype(invoke, registry, "add", "audio", "--dry-run").status == 7


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (None, 3),
        ("{", 4),
        ('{"type": 5}', 4),
        ('{"$ref": "https://example.org/x"}', 4),
        ("[" * 5000, 4),
        ('{"description": "' + "x" * 300_000 + '"}', 2),
    ],
    ids=["absent", "no JSON", "no schema", "elsewhere", "deep", "large"],
)
def test_schemas_that_are_none(invoke, registry, tmp_path, text, status):
    path = tmp_path / "schema.json"
    if text is not None:
        path.write_text(text)
    before = (registry.root / "registry.yaml").read_bytes()
    result = dtype(invoke, registry, "add", "eeg", "--schema", path)
    assert result.status == status, result.err
    assert (registry.root / "registry.yaml").read_bytes() == before
    assert not (registry.root / "schemas").exists()


@pytest.mark.parametrize(
    ("name", "status"), [("a b", 2), ("-x", 2), ("../x", 2), ("x" * 65, 2), ("audio", 7)]
)
def test_names(invoke, registry, name, status):
    assert dtype(invoke, registry, "add", "--", name).status == status
