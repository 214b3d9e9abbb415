"""What is written is read back the same, by us and by others; what people wrote stays."""

import io
import json

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from neurogister.errors import InvalidFileError, UsageError
from neurogister.model.document import MAX_BYTES, DocumentError, parse_document
from neurogister.model.fields import Fields
from neurogister.model.pointer import Pointer
from neurogister.model.record import Record
from neurogister.model.writing import check_document, dump_document, edit_document

MD5 = "0123456789abcdef" * 2
PATH = "data/c/t1.nii.gz.dvc"

# What YAML 1.1 or 1.2 could take for something else, and what breaks lines, quotes or columns.
HOSTILE = [
    "", " ", "~", "null", "Null", "true", "True", "TRUE", "yes", "No", "on", "off", "y", "n", "<<",
    "=", "0", "-0", "+1", "007", "1_000", "0x1F", "0o17", "017", "1e3", "1e999", ".5", "1.", "1e",
    ".inf", "-.INF", ".nan", "12:30:45", "2024-01-01", "2024-01-01T10:00:00Z", "-", "- a", "-a",
    "--- a", "...", "%YAML 1.2", "a: b", "a:", ":", ": b", "#", "a #b", "a#b", "# a", "&a", "*a",
    "!a", "!!str a", "|", ">", "|-", "> a", "@a", "`a", "[", "]", "{", "}", "[a]", "{a: b}", ",",
    "?", "? a", "'", '"', "it's", "''", '""', '"a"', "\\", "\\n", "\t", "\ta", "a\t", "a\tb", "\n",
    "a\n", "\na", "a\nb", "a\n\nb", "a\n b", " a\nb", "a \nb", "a\n\n", "a\r\nb", "a\rb", "|\na",
    "#a\nb", "> a\nb", "- a\n- b", "a\n\tb", "a\n...\nb", "---\na", "é", "脳", "😀", "\u00a0",
    "\u200b", "e\u0301", "\u202e", "\x85", "\u2028", "\u2029", "\ufeff", "\x00", "\x07",
    "\x1b[0m", "\x7f",
    "\ufffe", "\uffff", "\ue000", "x" * 3000, "a " * 1500, "/" * 50, "C:\\a", "http://a/b?c=d#e",
]  # fmt: skip
TEXTS = st.sampled_from(HOSTILE) | st.text(max_size=20) | st.text(
    alphabet="a-:#'\"\n\t |>&*!%@`{}[],?~0.e", max_size=12
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(
    allow_nan=False, allow_infinity=False
) | TEXTS  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
MAPPINGS = st.dictionaries(TEXTS, VALUES, max_size=5)


def ours(data):
    """Read with our reader; None if it does not let the text pass, which is its right."""
    try:
        return parse_document(data, "x.yaml", limit=1 << 20)
    except InvalidFileError:
        return None


def ruamel(data, pure):
    """Read as DVC (3.x: ruamel.yaml, safe, not pure) or as a purist does."""
    return YAML(typ="safe", pure=pure).load(io.BytesIO(data))


def same(one, other):
    """Tell whether values are equal, and of equal types: 1 is not True, nor 1.0."""
    return json.dumps(one) == json.dumps(other)


@settings(max_examples=300, deadline=None)
@given(MAPPINGS)
@example({text: text for text in HOSTILE if "\x00" not in text})
def test_what_is_written_is_read_back(value):
    data = dump_document(value)
    back = ours(data)
    if back is None:
        with pytest.raises(UsageError):
            check_document(data, "x.yaml", limit=1 << 20)
    else:
        assert same(back, value)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_each_hostile_text_in_each_place(text):
    value = {
        "value": text,
        "mapping": {text: "a", "b ": 1},
        "list": ["x", text, "y"],
        "deep": [{"b": {"c": text, "d": [text]}}],
        "last": 1,
    }
    data = dump_document(value)
    back = ours(data)
    if back is None:
        assert not text.isprintable()
        return
    assert same(back, value)
    assert same(ruamel(data, pure=False), value), "as DVC reads it"
    assert same(ruamel(data, pure=True), value)


@settings(max_examples=100, deadline=None)
@given(MAPPINGS)
def test_dvc_reads_the_same(value):
    data = dump_document(value)
    assume(ours(data) is not None)
    assert same(ruamel(data, pure=False), value)


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.isprintable()], ids=ascii)
def test_printable_texts_can_be_written(text):
    assert parse_document(dump_document({"a": text, text: 1}), "x.yaml") == {"a": text, text: 1}


def test_new_files_look_as_dvc_writes_them():
    value = {"outs": [{"md5": MD5, "size": 1, "path": "é"}], "meta": {"a": ["x"], "b": "1"}}
    assert dump_document(value).decode() == (
        f"outs:\n- md5: {MD5}\n  size: 1\n  path: é\nmeta:\n  a:\n  - x\n  b: '1'\n"
    )


def test_equal_values_are_written_twice_and_not_referred_to():
    same_list = ["a"]
    assert b"&" not in dump_document({"a": same_list, "b": same_list})


COMMENTED = f"""\
# The whole file
outs:
- md5: {MD5}   # of the bytes
  size: 120
  nfiles: 3
  isexec: true
  hash: md5
  path: "t1.nii.gz"
  desc: 'seen by: dvc'
  type: dataset
  labels: [a,  b]
# between
desc: "top"
meta:
  other-tool: {{x: 1, y: [2, 3]}}
  neurogister:
    id: t1      # never changes
    version: 1
    title: "It's \\"quoted\\""

    metadata:
      # about the subject
      age: 6   # years
      code: '007'
    unknown_field:
        - 1
        - 2
  last: ~
# the end
"""


def changed_lines(before, after):
    """Return the lines that differ, as (removed, added)."""
    one, other = before.decode().splitlines(), after.decode().splitlines()
    return [x for x in one if x not in other], [x for x in other if x not in one]


def test_only_the_line_that_was_meant_changes():
    before = COMMENTED.encode()

    def edit(document):
        document["meta"]["neurogister"]["metadata"]["age"] = 7

    after = edit_document(before, PATH, edit)
    expected = before.replace(b"      age: 6   # years", b"      age: 7   # years")
    removed, _ = changed_lines(expected, after)
    # ruamel.yaml writes these in one way of its own
    assert removed == ["  labels: [a,  b]", "        - 1", "        - 2", "  last: ~"]
    assert parse_document(after, PATH) == parse_document(expected, PATH)


def test_no_edit_changes_no_meaning_and_no_comment():
    before = COMMENTED.encode()
    after = edit_document(before, PATH, lambda _: None)
    assert parse_document(after, PATH) == parse_document(before, PATH)
    comments = [line.partition("#")[2] for line in COMMENTED.splitlines() if "#" in line]
    kept = [line.partition("#")[2] for line in after.decode().splitlines() if "#" in line]
    assert kept == comments


@pytest.mark.parametrize(
    "text",
    [
        "a:\n- x\n- y\nb: 1\n",
        "a:\n  - x\n  - y\nb: 1\n",
        "a:\n    b:\n        c: 1\n",
        "a:\n    - x: 1\n      y: 2\n    - x: 3\n",
        "a: 'single'\nb: \"double\"\nc: plain\n",
        "a: 0x1F\nb: 1e3\nc: 0o17\nd: 1.50\ne: +1\nf: -07\n",
        "a: |\n  block\n  text\nb: >-\n  folded\n  text\n",
        "a: yes\nb: 007\nc: 2024-01-01\nd: 12:30\ne: 1_000\n",
        "# top\n\na: 1\n\n\nb: 2  # two\n# end\n",
        "a:\nb: true\n",
        "---\na: 1\n",
        "a: 1\r\nb: 2\r\n",
        "é: 脳\n😀: 1\n",
    ],
)
def test_a_field_is_added_and_nothing_else_changes(text):
    def edit(document):
        document["added"] = "value"

    after = edit_document(text.encode(), "x.yaml", edit).decode()
    before = parse_document(text.encode(), "x.yaml")
    assert same(parse_document(after.encode(), "x.yaml"), {**before, "added": "value"})
    lines = text.splitlines()
    assert [line for line in after.splitlines() if line in lines] == lines


PLAIN_SCALARS = [
    "~", "null", "True", "FALSE", "yes", "No", "on", "y", "=", "0", "-0", "+1", "007", "-07",
    "1_000", "0x1F", "0X1F", "0o17", "017", "0b11", "1e3", "1E+3", ".5", "-.5", "1.", "1.50",
    "1e", "12:30",
    "12:30:45", "1:2", "2024-01-01", "2024-1-1", "2024-01-01T10:00:00Z", "2024-01-01 10:00:00.5 +2",
    "2024-13-45", "-a", "a#b", "a:b", "1.2.3", "+", "-x", "123456789012345678901234567890", "é",
    "1.234567890123456789", "100000000000000000000.0", "5e-324", "09", "08.5", "1__0", "0_7",
]  # fmt: skip


@pytest.mark.parametrize("text", PLAIN_SCALARS)
def test_what_people_write_without_quotes_keeps_its_meaning(text):
    before = f"a: {text}\nb: [{text}]\nc:\n- {text}\n".encode()
    after = edit_document(before, "x.yaml", lambda document: document.update(z=1))
    read = parse_document(before, "x.yaml")
    assert same(parse_document(after, "x.yaml"), {**read, "z": 1})


@pytest.mark.parametrize("text", ["007", "2024-01-01", "1_000", "12:30", "a b", "yes", "-x"])
def test_what_people_write_as_a_key_keeps_its_meaning(text):
    before = f"{text}: 1\nb:\n  {text}: 2\n".encode()
    after = edit_document(before, "x.yaml", lambda document: document.update(z=1))
    assert same(parse_document(after, "x.yaml"), {text: 1, "b": {text: 2}, "z": 1})


@pytest.mark.parametrize("text", [*HOSTILE, *PLAIN_SCALARS], ids=ascii)
def test_any_text_is_set_as_it_is_or_refused(text):
    before = b"a: 1\nb:\n  # why\n  c: 2\n# end\n"

    def edit(document):
        document["new"] = {"value": text, text: [text], "last": 1}

    expected = {**parse_document(before, "x.yaml"), "new": {"value": text, text: [text], "last": 1}}
    try:
        after = edit_document(before, "x.yaml", edit)
    except UsageError:
        assert not text.isprintable() or text == "<<"
    else:
        assert same(parse_document(after, "x.yaml"), expected)
        assert same(ruamel(after, pure=False), expected)


PRINTABLE = st.text(
    alphabet=st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=12
)
KEYS = PRINTABLE.filter(lambda text: text not in ("outs", "meta", "neurogister", "<<", "title"))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | PRINTABLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(
    known=st.fixed_dictionaries(
        {"md5": st.just(MD5)},
        optional={"size": st.integers(0, 2**60), "isexec": st.booleans(), "remote": PRINTABLE,
                  "desc": PRINTABLE, "cache": st.booleans(), "push": st.booleans(),
                  "type": PRINTABLE, "labels": st.lists(PRINTABLE, max_size=3)},
    ),
    extra=st.dictionaries(KEYS, PLAIN, max_size=3),
    other=st.dictionaries(KEYS, PLAIN, max_size=3),
    title=PRINTABLE,
    metadata=st.dictionaries(KEYS, PLAIN, max_size=4),
)  # fmt: skip
def test_a_record_is_changed_and_the_rest_of_the_pointer_stays(
    known, extra, other, title, metadata
):
    record = {"id": "t1", "title": "before", **extra, "metadata": metadata}
    document = {
        "outs": [{**known, "hash": "md5", "path": "t1.nii.gz"}],
        "desc": "of DVC",
        "meta": {**other, "neurogister": record},
    }
    lines = dump_document(document).decode().splitlines()
    marked = [f"# before line {n}\n{line}" for n, line in enumerate(lines)]
    simple = all("|" not in line and not line.startswith("    ") for line in lines)
    before = "\n".join([*(marked if simple else ["# top", *lines]), "# end", ""]).encode()
    assume(ours(before) == document)

    def edit(inner):
        inner["meta"]["neurogister"]["title"] = title

    after = edit_document(before, PATH, edit)

    document["meta"]["neurogister"]["title"] = title
    assert same(parse_document(after, PATH), document)
    if simple:
        assert after.count(b"# before line") == len(lines)
    assert after.rstrip().endswith(b"# end")


@settings(max_examples=100, deadline=None)
@given(
    fields=st.fixed_dictionaries(
        {"id": st.just("abc")},
        optional=dict.fromkeys(
            ("dtype", "title", "description", "license", "created_by", "created_on"), PRINTABLE
        )
        | {"derived_from": st.lists(PRINTABLE, min_size=1, max_size=3),
           "metadata": st.dictionaries(KEYS, PLAIN, min_size=1, max_size=4),
           "version": st.integers(1, 99),
           "status": st.sampled_from(["active", "deprecated"])},
    ),
    unknown=st.dictionaries(KEYS.map(lambda text: f"x-{text}"), PLAIN, max_size=3),
)  # fmt: skip
def test_record_to_pointer_and_back(fields, unknown):
    record = Record.from_fields(Fields({**fields, **unknown}, "x"))
    out = {"md5": MD5, "size": 5, "hash": "md5", "path": "t1.nii.gz"}
    data = dump_document({"outs": [out], "meta": {"neurogister": record.as_mapping()}})
    assert Pointer.parse(data, PATH).record == record


@pytest.mark.parametrize("text", ["- a\n", "a\n", "", "5\n"])
def test_only_mappings_are_edited(text):
    with pytest.raises(DocumentError, match="not a mapping"):
        edit_document(text.encode(), "x.yaml", lambda _: None)


@pytest.mark.parametrize(
    "text", ["a: &x 1\n", "a: [\n", "a: 1\na: 2\n", "a: !!str 1\n", "a: \x07\n"]
)
def test_what_we_would_not_read_is_not_edited(text):
    with pytest.raises(InvalidFileError):
        edit_document(text.encode(), "x.yaml", lambda _: None)


@pytest.mark.parametrize(
    "value",
    ["x" * MAX_BYTES, "\x07", "\u2028", float("inf"), int("9" * 401), [[[[[[[[[[[[[1]]]]]]]]]]]]]],
    ids=["too large", "control", "separator", "infinite", "too long", "too deep"],
)
def test_what_we_could_not_read_is_not_written(value):
    def edit(document):
        document["a"] = value

    with pytest.raises(UsageError, match="cannot be written so") as caught:
        edit_document(b"b: 1\n", "x.yaml", edit)
    assert "Nothing was changed" in (caught.value.hint or "")


def test_an_exception_of_the_edit_passes():
    def edit(_):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        edit_document(b"b: 1\n", "x.yaml", edit)
