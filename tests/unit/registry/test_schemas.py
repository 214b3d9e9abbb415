"""The schemas of files: what they accept, what they refuse, and with which words."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.errors import InvalidFileError
from neurogister.model.fields import name_of
from neurogister.model.lockfile import parse_lockfile
from neurogister.model.manifest import parse_manifest
from neurogister.model.paths import check_path
from neurogister.model.pointer import Pointer
from neurogister.model.writing import SCHEMAS, dump_document, edit_document
from neurogister.registry.metadataschemas import load_schema
from neurogister.registry.schemas import (
    check_files,
    problems,
    problems_by,
    read_document,
    schema_files,
    schema_of,
)

EXAMPLES = Path(__file__).parents[2] / "schemas"
FILES = {name: json.loads(path.read_text("utf-8")) for name, path in schema_files().items()}
KINDS = sorted(set(FILES) - {"common"})
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def files(kind: str) -> list[Any]:
    """List the examples of a kind: `valid` or `invalid`."""
    return [
        pytest.param(path, id=f"{path.parents[1].name}-{path.stem}")
        for path in sorted(EXAMPLES.glob(f"*/{kind}/*"))
    ]


def read(path: Path) -> tuple[str, Any]:
    """Return what an example says, and the first line that says what is wrong with it."""
    data = path.read_bytes()
    first, _, rest = data.partition(b"\n")
    if path.suffix == ".csv" and first.startswith(b"# "):
        data = rest
    document = read_document(path.name, data)
    said = document.get("$comment", "") if path.suffix == ".json" else first.decode()[2:]
    return said, document


# The schemas themselves


def test_all_are_schemas():
    done = subprocess.run(
        [str(Path(sys.executable).with_name("check-jsonschema")), "--check-metaschema",
         *map(str, schema_files().values())],
        capture_output=True, encoding="utf-8", timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", FILES)
def test_each_says_what_it_is(name):
    schema = FILES[name]
    assert schema["$id"] == f"{SCHEMAS}{name}.schema.json"
    assert schema["$schema"] == DIALECT
    assert schema["title"]
    assert schema["description"]
    assert name == "common" or schema["examples"]


@pytest.mark.parametrize("name", FILES)
def test_each_field_is_described_and_shown(name):
    bare = []
    for where, field in fields_of(FILES[name], name):
        if not field.get("description"):
            bare.append(f"{where}: no description")
        if needs_example(field) and not field.get("examples"):
            bare.append(f"{where}: no example")
    assert bare == []


def fields_of(schema: Any, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(schema, list):
        for each in schema:
            yield from fields_of(each, where)
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        if keyword in ("examples", "if"):
            continue
        if keyword in ("properties", "$defs") and isinstance(value, dict):
            yield from ((f"{where}.{key}", field) for key, field in value.items())
        if keyword in ("then", "else") and "properties" in value:
            continue  # of a field that is described elsewhere
        yield from fields_of(value, f"{where}.{keyword}")


def needs_example(field: Any) -> bool:
    """Tell whether it is a text or number that is neither listed nor shown where it is defined."""
    return field.get("type") in ("string", "integer", "number") and "enum" not in field


@pytest.mark.parametrize("name", KINDS)
def test_the_examples_in_a_schema_are_valid(name):
    for example in FILES[name]["examples"]:
        assert problems_by(name, example) == []


def test_the_examples_of_shared_values_are_valid():
    from jsonschema import Draft202012Validator

    for name, schema in FILES["common"]["$defs"].items():
        whole = {**FILES["common"], "$ref": f"#/$defs/{name}"}
        for example in schema.get("examples", []):
            Draft202012Validator(whole).validate(example)


def test_the_schemas_of_the_reference_registry_are_those_that_are_installed(tmp_path):
    shutil.copytree(next(iter(schema_files().values())).parent, tmp_path / "schemas")
    assert {path.name for path in (tmp_path / "schemas").glob("*.json")} == {
        f"{name}.schema.json" for name in FILES
    }


# Files


def test_there_are_examples_of_each_kind():
    assert sorted(path.name for path in EXAMPLES.iterdir()) == KINDS
    for name in KINDS:
        assert list((EXAMPLES / name / "valid").iterdir())
        assert list((EXAMPLES / name / "invalid").iterdir())


@pytest.mark.parametrize("path", files("valid"))
def test_what_is_right(path):
    _, document = read(path)
    assert problems_by(path.parents[1].name, document) == []


@pytest.mark.parametrize("path", files("valid"))
def test_our_own_readers_take_what_is_right(path):
    kind, data = path.parents[1].name, path.read_bytes()
    _, document = read(path)
    if kind == "pointer":
        name = document["outs"][0]["path"]
        Pointer.parse(data, f"{name}.dvc")
    elif kind == "lockfile":
        parse_lockfile(data)
    elif kind == "manifest":
        parse_manifest(data, name=path.name)
    elif kind == "dtype":
        load_schema(data, path.name)


@pytest.mark.parametrize("path", files("invalid"))
def test_what_is_wrong(path):
    """The first line (of JSON, its comment) says which field it is, and words of the message."""
    said, document = read(path)
    field, _, words = said.partition(": ")

    found = problems_by(path.parents[1].name, document)

    assert [name_of(each.keys).removeprefix(".") for each in found] == [field]
    assert words
    assert words in found[0].message.replace("which is no", "is no")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("registry.yaml", "registry"), ("data/c/collection.yaml", "collection"),
        ("data/c/x.nii.dvc", "pointer"), ("data/c/x.yaml", "resource"),
        ("data/c/x.manifest.csv", "manifest"), ("store/v/vendor.yaml", "vendor"),
        ("store/v/p.yaml", "package"), ("archives/tape.yaml", "archive"),
        ("archives/tape.csv", "inventory"), ("archives/deep/tape.csv", None),
        ("schemas/dtypes/t1w.schema.json", "dtype"), ("schemas/vendor.schema.json", None),
        ("neurogister.lock", "lockfile"), ("tests/neurogister.lock", "lockfile"),
        ("store/v/meta.yml", None), ("README.md", None), ("dvc.lock", None),
    ],
)  # fmt: skip
def test_which_schema_a_file_has(path, name):
    assert schema_of(path) == name


def test_the_reference_registry_keeps_to_them_and_tells_editors_so():
    root = Path(__file__).parents[3]
    if not (root / "data").is_dir():
        pytest.skip("an unpacked sdist has no data")
    paths = [root / "registry.yaml", *root.glob("data/**/*"), *root.glob("store/**/*")]
    named = {path.relative_to(root).as_posix(): path for path in paths if path.is_file()}
    ours = {name: path.read_bytes() for name, path in named.items() if schema_of(name)}
    assert [error.message for error in check_files(ours)] == []
    for name, data in ours.items():
        if name.endswith(".yaml"):
            head, _, target = data.decode().partition("\n")[0].partition("$schema=")
            assert head == "# yaml-language-server: "
            schema = (named[name].parent / target).resolve()
            assert schema == root / "schemas" / f"{schema_of(name)}.schema.json"


# Messages


def test_a_problem_says_what_stands_there_and_what_is_right():
    [found] = problems("store/v/vendor.yaml", {"title": "x" * 600, "maintainers": [{"name": "A"}]})
    assert found.keys == ("title",)
    assert found.message == "title has more than 500 characters"
    assert found.offending == f"'{'x' * 80}'…"
    assert "Without markup" in found.right
    assert "MNI152" in found.right


def test_an_unknown_field_has_a_nearest():
    [found] = problems("store/v/vendor.yaml", {"title": "x", "maintainers": [
        {"name": "A", "gihtub": "a"}]})  # fmt: skip
    assert found.keys == ("maintainers", 0, "gihtub")
    assert (found.message, found.right) == (
        "'gihtub' is no field of maintainers[0]", "Perhaps github?",
    )  # fmt: skip


def test_what_could_harm_a_terminal_is_escaped():
    [found] = problems("store/v/vendor.yaml", {"title": "a\x1b]0;x\n::error", "maintainers": [
        {"name": "A"}]})  # fmt: skip
    assert found.message.isprintable()
    assert found.offending.isprintable()


def test_files_are_told_with_their_line():
    bad = {
        "data/c/x.manifest.csv": b"size,md5,path\n5,x,a\n",
        "store/v/vendor.yaml": b"title: A\nmaintainers:\n- name: <b>\n",
        "registry.yaml": b"name: [\n",
        "data/gone.dvc": None,
        "README.md": b"any",
        "neurogister.lock": b"format = 7\n",
    }
    messages = [error.message for error in check_files(bad)]
    assert [message.partition(": ")[0] for message in messages] == [
        "data/c/x.manifest.csv:2", "store/v/vendor.yaml:3:9", messages[2].partition(": ")[0],
        "neurogister.lock",
    ]  # fmt: skip
    assert messages[2].startswith("registry.yaml:")


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("a.csv", b"a,a\n"), ("a.csv", b""), ("a.csv", b"a,b\n1\n"), ("a.csv", b"\xff"),
        ("x.lock", b"["), ("x.lock", b"\xff"), ("x.json", b"{"), ("x.json", b"[" * 9999),
        ("x.json", b'{"a": NaN}'), ("x.json", b'{"a": 1, "a": 2}'), ("x.yaml", b"a: &b c\n"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_an_error(path, data):
    with pytest.raises(InvalidFileError):
        read_document(path, data)


# Agreement with the readers

_pieces = st.sampled_from(
    ["a", "b.c", "..", ".", ".git", ".Gitx", "git~1", ".dvc", ".dvcignore", "con", "COM1.txt",
     "nul", "-x", " x", "x ", "x.", "x:y", "a*b", "q?", "$x", "a;b", "é", "x" * 250, "x" * 251, "",
     "a\u2028b", "a\x1b", "console", "[1]", "~", "a\u200bb"]
)  # fmt: skip


@given(st.lists(_pieces, min_size=1, max_size=4).map("/".join))
def test_paths_are_those_that_we_read(path):
    row = {"size": 1, "md5": "0" * 32, "path": path}
    try:
        check_path(path)
    except ValueError:
        right = False
    else:
        right = True
    assert (problems_by("manifest", [row]) == []) is right


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["id", "title", "outs", "versions", "md5", "members", "locked", "status", "x"]), inner),
    max_leaves=12,
)  # fmt: skip


@given(st.sampled_from(KINDS), _json)
def test_anything_is_told_without_a_traceback(name, document):
    for each in problems_by(name, document):
        assert each.message.isprintable()
        assert isinstance(each.right, str)


# The first line for editors


def test_a_new_file_tells_editors_its_schema_and_keeps_that():
    data = dump_document({"title": "A", "maintainers": [{"name": "B"}]}, schema="vendor")
    line = f"# yaml-language-server: $schema={SCHEMAS}vendor.schema.json\n".encode()
    assert data.startswith(line)
    assert check_files({"store/v/vendor.yaml": data}) == []

    edited = edit_document(data, "vendor.yaml", lambda document: document.update(title="C"))

    assert edited == data.replace(b"title: A", b"title: C")


def test_a_pointer_has_no_such_line():
    assert dump_document({"outs": []}) == b"outs: []\n"
