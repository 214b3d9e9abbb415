"""YAML read strictly: what is understood, what is refused, and where the error is."""

import math
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurogister.errors import InvalidFileError
from neurogister.model.document import (
    DocumentError,
    find_place,
    parse_document,
    parse_mapping,
)


def parse(text, **options):
    return parse_document(text.encode(), "f.yaml", **options)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("# only a comment\n", None), ("~", None), ("null", None), ("Null", None),
        ("true", True), ("False", False), ("yes", "yes"), ("no", "no"), ("on", "on"), ("y", "y"),
        ("1", 1), ("-5", -5), ("+5", 5), ("0", 0), ("0o17", 15), ("0x1F", 31),
        ("007", "007"), ("0123", "0123"), ("-01", "-01"), ("1_000", "1_000"), ("0b1", "0b1"),
        ("12:30", "12:30"), ("190:20:30", "190:20:30"), ("1:2.5", "1:2.5"),
        ("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("-1.5E-3", -0.0015),
        ("01.5", "01.5"), ("01e5", "01e5"), ("1.2.3", "1.2.3"), ("1.0-rc.1", "1.0-rc.1"),
        ("2026-11-21", "2026-11-21"), ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z"),
        ("'1'", "1"), ('"true"', "true"), ("'null'", "null"), ('"a\\tb"', "a\tb"),
        ("=", "="), ("-", [None]), ("- 1\n- a", [1, "a"]),
        ("[1, [2], {a: b}]", [1, [2], {"a": "b"}]),
        ("a: 1\nb:\n  c: [x]\n", {"a": 1, "b": {"c": ["x"]}}), ("a:\nb:\n", {"a": None, "b": None}),
        ("a: |\n  one\n  two\n", {"a": "one\ntwo\n"}), ("a: >-\n  one\n  two\n", {"a": "one two"}),
        ("{}", {}), ("[]", []), ("---\na: 1\n...\n", {"a": 1}), ("'<<': 1", {"<<": 1}),
        ("'1': a\n'true': b", {"1": "a", "true": "b"}), ("a: b\r\nc: d\r\n", {"a": "b", "c": "d"}),
        ("name: été\n", {"name": "été"}), ("a: b # comment", {"a": "b"}), ("a: b#c", {"a": "b#c"}),
    ],
    ids=ascii,
)  # fmt: skip
def test_values_are_those_of_yaml_1_2(text, value):
    result = parse(text)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ("a: 1\na: 2\n", 2, 1, "'a' twice"),
        ("a: {b: 1, b: 2}", 1, 11, "'b' twice"),
        ("a: &x 1\n", 1, 4, "anchor"),
        ("a: &x [1]\n", 1, 4, "anchor"),
        ("a: *x\n", 1, 4, "alias"),
        ("a: !!str 1\n", 1, 4, "tag"),
        ("a: !x [1]\n", 1, 4, "tag"),
        ("a: ! b\n", 1, 4, "tag"),
        ("!!python/object/apply:os.system ['x']", 1, 1, "tag"),
        ("a:\n  <<: {b: 1}\n", 2, 3, "merge"),
        ("a: 1\n---\nb: 2\n", 2, 1, "more than one"),
        ("%YAML 1.1\n---\na: 1\n", 1, 1, "directive"),
        ("%TAG ! tag:x,2000:\n---\na: 1\n", 1, 1, "directive"),
        ("1: a\n", 1, 1, "no text"),
        ("true: a\n", 1, 1, "no text"),
        ("? [a]\n: b\n", 1, 3, "as a key"),
        ("[{[a]: b}]\n", 1, 3, "as a key"),
        ("a: 1e999\n", 1, 4, "too large"),
        ("a: .inf\n", 1, 4, "not finite"),
        ("a: .NaN\n", 1, 4, "not finite"),
        (f"a: {'9' * 5000}\n", 1, 4, "too long"),
        (f"a: 0x{'f' * 5000}\n", 1, 4, "too long"),
        ('a: "x\\0"\n', 1, 4, "control"),
        ('a: "x\\e[31m"\n', 1, 4, "control"),
        ("a: b\n  c: d\n", 2, 4, "not YAML"),
        ("a: [1\n", 2, 1, "not YAML"),
        ("a: 'x\n", 2, 1, "not YAML"),
        ("\ta: 1\n", 1, 1, "not YAML"),
        ("a: \x07\n", 1, 4, "U\\+0007"),
        ("é\n\n a\u2028b\n", 3, 3, "U\\+2028"),
        ("\ufeffa: 1", 1, 1, "U\\+FEFF"),
        ("a: b\x85", 1, 5, "U\\+0085"),
    ],
    ids=ascii,
)  # fmt: skip
def test_what_is_refused_is_told_with_its_place(text, line, column, reason):
    with pytest.raises(DocumentError, match=reason) as caught:
        parse(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).startswith(f"f.yaml:{line}:{column}: ")


@pytest.mark.parametrize("data", [b"\xff\xfea\x00", b"a: \xc3\x28", b"\xed\xa0\x80", b"a\n\nb\xff"])
def test_only_utf_8_is_read(data):
    with pytest.raises(DocumentError, match="UTF-8") as caught:
        parse_document(data, "f")
    assert caught.value.line == (3 if b"\n\n" in data else 1)


@pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "[{a: "])
def test_nothing_is_nested_deeper_than_twelve_levels(opening):
    parse("[" * 12 + "]" * 12)
    with pytest.raises(DocumentError, match="12 levels"):
        parse("[" * 13 + "]" * 13)
    with pytest.raises(DocumentError, match="12 levels"):
        parse(opening * 30_000, limit=1 << 20)


@pytest.mark.parametrize(
    "text",
    [
        "{" * 60_000, "? " * 30_000, "a: [" * 15_000, "[a, " * 15_000, "'" * 60_000, "&a " * 20_000,
        "\n" * 65_000, "#" * 65_000, "a: >\n" + "\n " * 30_000, ("a" * 1000 + ": x\n") * 60,
    ],
    ids=lambda text: text[:6],
)  # fmt: skip
def test_hostile_text_ends_soon(text):
    with suppress(InvalidFileError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: [x, {c: d}]\n", "a: |\n  b\n", 'a: "b\\tc"', "a: *x", "a: &x 1", "a: 1\na: 2",
        "[", "a: !x 1", "---\na\n---\nb", "%YAML 1.1\n---\na",
        '"\\0"', "[" * 40, "{<<: 1}", "1: 2", "",
    ],
    ids=ascii,
)  # fmt: skip
def test_without_libyaml_the_same_is_read(text, monkeypatch):
    def read():
        try:
            return parse(text)
        except DocumentError as error:
            syntax = error.reason.startswith("is not YAML")  # each parser stops elsewhere
            return "is not YAML" if syntax else str(error)

    with_libyaml = read()
    monkeypatch.delattr("yaml.CSafeLoader", raising=False)
    assert read() == with_libyaml


def test_a_large_file_is_not_looked_at():
    parse("#" * 65_536)
    with pytest.raises(InvalidFileError, match="larger than 65,536 bytes"):
        parse("#" * 65_537)
    with pytest.raises(InvalidFileError, match="larger than 10 bytes"):
        parse("a: 12345678", limit=10)
    parse("#" * 100_000, limit=100_000)


@pytest.mark.parametrize("text", ["", "a", "[a]", "1"])
def test_a_mapping_may_be_demanded(text):
    with pytest.raises(InvalidFileError, match="not a mapping"):
        parse_mapping(text.encode(), "f")


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ((), (1, 1)), (("a",), (1, 4)), (("b",), (3, 3)), (("b", "c"), (3, 6)),
        (("b", "d", 1), (4, 10)), (("b", "d", 7), (4, 6)), (("x", "y"), (1, 1)),
        (("e", 1, "f"), (7, 8)),
    ],
)  # fmt: skip
def test_fields_are_found_in_the_text(keys, place):
    text = b"a: 1\nb:\n  c: 2\n  d: [1, 2]\ne:\n  - 1\n  - f: x\n"
    assert find_place(text, keys) == place


def test_no_place_is_found_where_nothing_can_be_read():
    assert find_place(b"'", ("a",)) is None
    assert find_place(b"", ("a",)) is None


# Anything in, and nothing but our error out.


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_bytes_give_a_value_or_our_error(data):
    try:
        parse_document(data, "f")
    except InvalidFileError as error:
        assert str(error).startswith("f")


YAMLISH = st.lists(
    st.sampled_from([
        "a", "b", ": ", "- ", "\n", "  ", "[", "]", "{", "}", ", ", "'", '"', "|", ">", "&x ", "*x",
        "!t ", "<<", "? ", "# ", "---", "...", "%YAML 1.2", "1", "0x", ".inf", "e9", "~", "\t",
        "\\",
        "\r\n", "é", "\x85",
    ])
).map("".join)  # fmt: skip


@settings(deadline=None)
@given(YAMLISH)
def test_text_like_yaml_gives_a_value_or_our_error(text):
    try:
        value = parse(text)
    except InvalidFileError:
        return
    assert depth(value) <= 12


def depth(value):
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


ODD = "\u2028\u2029\ufeff\ufffe\uffff"
CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters=ODD)
TEXT = st.text(CHARACTERS, max_size=30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=15,
)  # fmt: skip


@settings(deadline=None)
@given(VALUES)
def test_what_other_programs_write_comes_back(value):
    import io

    from ruamel.yaml import YAML

    yaml = YAML()  # as dvc does
    stream = io.BytesIO()
    yaml.dump(value, stream)
    try:
        back = parse_document(stream.getvalue(), "f")
    except DocumentError as error:
        assert depth(value) > 12 or "no text" in error.reason
        return
    assert back == value or same(back, value)


def same(back, value):
    """Compare with some slack: a float keeps its value, not its type, in 1e16."""
    if isinstance(value, float) and isinstance(back, int | float):
        return math.isclose(back, value)
    if isinstance(value, dict):
        return isinstance(back, dict) and all(same(back[key], value[key]) for key in value)
    if isinstance(value, list):
        return len(back) == len(value) and all(map(same, back, value))
    return back == value


@pytest.mark.parametrize(
    "data",
    [
        b"? {a: 1}\n: x\n",
        b"[1, 2]: x\n",
        b"outs:\n- md5 :.9\n?  size:\nr- m:\n  size: 3\n",
        b"? [\n",
    ],
)
def test_place_in_a_file_with_collections_as_keys(data: bytes) -> None:
    assert find_place(data, ("outs", 0, "md5")) in {(1, 1), (2, 3)}
