"""A table of what is said of many files."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.errors import InvalidFileError
from neurogister.model.document import parse_document
from neurogister.model.table import Said, parse_table
from neurogister.model.writing import dump_document


def rows(text, path="table.csv", names=()):
    data = text if isinstance(text, bytes) else text.encode()
    return dict(parse_table(data, path, names=frozenset(names)).rows)


def test_a_csv_table():
    text = (
        "file,id,title,species,age,derived_from,metadata.title,scan.tr\n"
        "a.nii.gz,one,A title,mouse,6,x y,inner,2.5\n"
        "b.nii.gz,,,,,,,\n"
    )
    assert rows(text) == {
        "a.nii.gz": Said(
            id="one", title="A title", derived_from=("x", "y"),
            metadata={"species": "mouse", "age": 6, "title": "inner", "scan": {"tr": 2.5}},
        ),
        "b.nii.gz": Said(),
    }  # fmt: skip


@pytest.mark.parametrize("column", ["file", "path", "filename"])
def test_the_column_of_files_has_three_names(column):
    assert list(rows(f"id,{column}\n1,a\n2,b\n")) == ["a", "b"]


def test_texts_are_texts():
    said = rows("file,id,title,license,note,created_on\na,007,12,true,null,2024\n")["a"]
    assert said == Said(id="007", title="12", license="true", note="null", created_on="2024")


@pytest.mark.parametrize(
    "data",
    [
        "file\tid\na\tx\n",
        b"\xef\xbb\xbffile\tid\na\tx\n",
        "file\tid\r\na\tx\r\n",
        " file \t id \n a \t x \n",
        "file\tid\na\tx",
        "file\tid\n\t\n\na\tx\n\n",
        'file\tid\n"a"\t"x"\n',
    ],
    ids=["usual", "with a mark", "of Windows", "spaces", "no end", "empty lines", "quotes"],
)
def test_tsv_as_programs_write_it(data):
    assert rows(data, "T.TSV") == {"a": Said(id="x")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1"),
        ("\n", "line 1"),
        ("id,title\nx,y\n", "line 1: the first line must name"),
        ("file,id,id\na,x,y\n", "line 1"),
        ("file,id,\na,x,y\n", "line 1"),
        ("file,file\na,a\n", "line 1"),
        ("file,id\na,x\nb\n", "line 3: has 1 cells, and should have 2"),
        ("file,id\na,x,y\n", "line 2: has 3 cells"),
        ("file,id\n,x\n", "line 2: does not say which file"),
        ("file,id\na,x\na,y\n", "line 3: 'a' has a row already"),
        ('file,id\na,"x\n', "line"),
        ('file,id\na,"x"y\n', "line 2"),
        (b"file,id\na,\xff\n", "not UTF-8"),
        ("file,a..b\nx,1\n", "a..b"),
        ("file,a,a.b\nx,1,2\n", "a.b"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_its_line(text, message):
    with pytest.raises(InvalidFileError, match=r"table\.csv") as caught:
        rows(text)
    assert message in str(caught.value)


def test_a_yaml_list():
    text = """
- file: a
  id: x
  age: 6
  metadata: {b: {c: 1}}
- path: b
  derived_from: [y, z]
"""
    assert rows(text, "t.yaml") == {
        "a": Said(id="x", metadata={"age": 6, "b": {"c": 1}}),
        "b": Said(derived_from=("y", "z")),
    }


def test_a_yaml_mapping_of_files():
    text = "a.wav:\n  title: A\nb.wav:\n  age: 1\n"
    assert rows(text, "t.yaml", ["a.wav", "other"]) == {
        "a.wav": Said(title="A"),
        "b.wav": Said(metadata={"age": 1}),
    }


def test_a_yaml_mapping_of_fields_is_about_all():
    table = parse_table(b"title: T\nspecies: mouse\n", "t.yaml", names=frozenset(["a.wav"]))
    assert table.rows == {}
    assert table.everywhere == Said(title="T", metadata={"species": "mouse"})


@pytest.mark.parametrize(
    "text",
    ["5\n", "a\n", "- 5\n", "- id: x\n", "- file: a\n- file: a\n", "- file: 5\n", "title: [a]\n",
     "a.wav: 5\n", "a.wav: {id: 5}\n", "metadata: 5\n", "derived_from: 5\n", "{", "- file: ''\n"],
)  # fmt: skip
def test_what_is_wrong_with_yaml(text):
    with pytest.raises(InvalidFileError, match=r"t\.yaml"):
        rows(text, "t.yaml", ["a.wav"])


TEXTS = st.text(
    alphabet=st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"]) | st.sampled_from(' ,"'),
    min_size=1, max_size=10,
).map(str.strip).filter(bool)  # fmt: skip
SAID = st.builds(
    Said,
    id=st.none() | TEXTS,
    title=st.none() | TEXTS,
    note=st.none() | TEXTS,
    metadata=st.dictionaries(st.sampled_from(["x", "y", "z w"]), TEXTS, max_size=3),
)


@given(st.dictionaries(TEXTS, SAID, min_size=1, max_size=4))
def test_what_is_written_as_csv_is_read(said):
    stream = io.StringIO(newline="")
    columns = ["file", "id", "title", "note", "x", "y", "z w"]
    writer = csv.DictWriter(stream, columns)
    writer.writeheader()
    for name, one in said.items():
        quoted = {key: _quoted(value) for key, value in one.metadata.items()}
        known = {"id": one.id, "title": one.title, "note": one.note}
        writer.writerow({"file": name, **known, **quoted})
    assert rows(stream.getvalue()) == said


def _quoted(text):
    """Return text in the quotes that keep it text."""
    import json

    return json.dumps(text, ensure_ascii=False)


@given(st.dictionaries(TEXTS, SAID, min_size=1, max_size=4))
def test_what_is_written_as_yaml_is_read(said):
    entries = [
        {"file": name}
        | {key: value for key in ("id", "title", "note") if (value := getattr(one, key))}
        | ({"metadata": dict(one.metadata)} if one.metadata else {})
        for name, one in said.items()
    ]
    document = {"rows": entries}
    parsed = parse_document(dump_document(document), "x")
    assert parsed == document
    lines = dump_document(document).decode().partition("\n")[2]
    assert rows(lines, "t.yaml") == said


def test_what_is_over_another_wins_key_by_key():
    below = Said(id="a", title="A", derived_from=("x",), metadata={"a": 1, "b": {"c": 1, "d": 2}})
    above = Said(title="B", dtype="t1w", metadata={"b": {"c": 9}, "e": 3})
    assert above.over(below) == Said(
        id="a", title="B", dtype="t1w", derived_from=("x",),
        metadata={"a": 1, "b": {"c": 9, "d": 2}, "e": 3},
    )  # fmt: skip
    assert Said().over(below) == below
    assert below.over(Said()) == below
