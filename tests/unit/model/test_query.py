"""What is searched for: words, phrases and conditions, and what they fit."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from neurogister.errors import UsageError
from neurogister.model.dataset import Dataset
from neurogister.model.facts import Shared, facts_of, plain
from neurogister.model.fields import Fields
from neurogister.model.query import (
    Condition,
    Phrase,
    Query,
    field_condition,
    parse_condition,
    parse_digest,
    parse_text,
)
from neurogister.model.record import Record
from neurogister.model.words import searchable, words_of

TEXTS = st.text(max_size=40)


def dataset(**said):
    fields = {"id": "x-1", "versions": [{"version": 1, "sha1": "ab" * 20, "date": "2024-05-06"}]}
    record = Record.from_fields(Fields(fields | said, "x.yaml"))
    return Dataset(name="c/x.wav", kind="resource", place="data/c/x.wav", record=record)


def matches(query, shared=Shared(), **said):  # noqa: B008 - a value that never changes
    return query.matches(facts_of(dataset(**said)), shared)


def finds(text, shared=Shared(), **said):  # noqa: B008 - a value that never changes
    return matches(Query(parse_text(text)), shared, **said)


def holds(text, *, negative=False, **metadata):
    condition = parse_condition(text, is_negative=negative)
    return matches(Query((), (condition,)), metadata=metadata)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World", ["hello", "world"]),
        ("sub-01_T1w.nii.gz", ["sub", "01", "t1w", "nii", "gz"]),
        ("Café ÉCOLE naïve", ["cafe", "ecole", "naive"]),
        ("STRASSE straße", ["strasse", "strasse"]),
        ("ﬁne ２", ["fine", "2"]),
        ("日本語 текст", ["日本語", "текст"]),
        ('"*^()\0-', []),
        ("x" * 500, ["x" * 200]),
    ],
)
def test_words_are_folded(text, words):
    assert words_of(text) == words


@given(st.lists(TEXTS))
def test_words_of_several_texts_are_those_of_each(texts):
    found = searchable(texts).split()
    assert [word for word in found if word != "\ue000"] == [
        word for text in texts for word in words_of(text)
    ]


@given(TEXTS, TEXTS)
def test_every_text_has_its_own_words(text, more):
    for word in words_of(text):
        assert Phrase((word,), is_start=False).is_in(searchable([more, text]))
        assert Phrase((word[:3],), is_start=True).is_in(searchable([text, more]))


def test_no_phrase_reaches_from_one_text_into_the_next():
    assert Phrase(("b", "c"), is_start=False).is_in(searchable(["a b c"]))
    assert not Phrase(("b", "c"), is_start=False).is_in(searchable(["a b", "c"]))


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("", []),
        ("flip angle", [(("flip",), True), (("angle",), True)]),
        ('"Flip Angle"', [(("flip", "angle"), False)]),
        ('a "b c"d', [(("a",), True), (("b", "c"), False), (("d",), True)]),
        ("sub-01", [(("sub", "01"), True)]),
        ("\ta\n b ", [(("a",), True), (("b",), True)]),
    ],
)
def test_text_is_words_and_phrases(text, phrases):
    assert [(each.words, each.is_start) for each in parse_text(text)] == phrases


@pytest.mark.parametrize(
    ("text", "wrong"),
    [('a "b', "'\"b'"), ("a -- b", "'--'"), ('""', "'\"\"'"), ("*", "'*'"), ("w " * 101, "100")],
)
def test_text_that_makes_no_sense_is_named(text, wrong):
    with pytest.raises(UsageError) as caught:
        parse_text(text)
    assert wrong in caught.value.message
    assert caught.value.hint or wrong == "100"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x-1", True),
        ("X WAV", True),
        ("wa", True),
        ('"wa"', False),
        ("fin zeb", True),
        ("fin zec", False),
        ('"zebra finch"', True),
        ('"finch zebra"', False),
        ("7", True),
        ("abababab", True),
        ("ababab", False),
        ("2024-05", True),
        ("2024-06", False),
        ("05", False),
        ("creator", True),
        ("true", False),
        ("age", False),
    ],
)
def test_all_words_must_be_somewhere(text, found):
    said = {"title": "Zebra finch", "created_by": "A Creator"}
    assert finds(text, **said, metadata={"age": 7, "ok": True}) is found


def test_a_collection_adds_words_and_a_licence():
    shared = Shared("  shared words ", "CC0-1.0", searchable(["CC0-1.0"]))
    assert finds("shared x", shared)
    assert finds("cc0", shared)
    assert not finds("cc0", shared, license="MIT")
    condition = Query((), (parse_condition("license=CC0-1.0"),))
    assert matches(condition, shared)
    assert not matches(condition, shared, license="MIT")
    assert not matches(condition)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("age=6", True), ("age=6.0", True), ("age=7", False), ("age = 6", True), ("age=six", False),
        ("age>=6", True), ("age>6", False), ("age<6.5", True), ("age<=5", False), ("age!=6", False),
        ("age!=5", True), ("age", True), ("nothing", False), ("nothing!=5", True),
        ("nothing=", False), ("sex=F", True), ("sex=f", False), ("sex=[FM]", True), ("sex=*", True),
        ("sex>5", False), ("ok=true", True), ("ok=false", False), ("ok=1", False),
        ("code=007", True), ("code=7", False), ("number=5", True), ("number>=5", False),
        ("scan.tr>2", True), ("scan.tr", True), ("scan", True), ("scan.te", False),
        ("scan.echoes.te=30", True), ("scan.echoes.te>30", True), ("scan.echoes.te>50", False),
        ("tags=a", True), ("tags=b", True), ("tags=c", False), ("tags!=a", False), ("empty", True),
        ("empty=", False), ("none", True), ("none=null", False), ("when>=2020", True),
        ("when<2021", True), ("when>2020", False), ("when<=2020-02", True), ("when=2020*", True),
        ("when>2020-02-02", True), ("meta.name=inner", True), ("name=inner", False),
        ("name=c/*", True), ("id=x-1", True), ("kind=resource", True), ("status=active", True),
        ("version=1", True), ("archive", False), ("sha1=" + "AB" * 20, True), ("date<2025", True),
        ("huge>1", True), ("huge=1" + "0" * 30, True), ("meta.meta.x=1", True),
    ],
)  # fmt: skip
def test_conditions(text, expected):
    metadata = {
        "age": 6, "sex": "F", "ok": True, "code": "007", "number": "5",
        "scan": {"tr": 2.5, "echoes": [{"te": 30}, {"te": 50}]}, "tags": ["a", ["b"]], "empty": [],
        "none": None, "when": "2020-02-03T10:00:00Z", "name": "inner", "huge": 10**30,
        "meta": {"x": 1},
    }  # fmt: skip
    said = {"version": 1}
    condition = Query((), (parse_condition(text),))
    assert matches(condition, metadata=metadata, **said) is expected
    opposite = Query((), (parse_condition(text, is_negative=True),))
    if "!=" not in text:
        assert matches(opposite, metadata=metadata, **said) is not expected


def test_both_spellings_of_not_equal_are_one():
    for age, expected in ((5, False), (6, True)):
        assert holds("age!=5", age=age) is expected
        assert holds("age=5", negative=True, age=age) is expected
        assert holds("age!=5", negative=True, age=age) is expected


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "a key is missing"),
        ("=5", "a key is missing"),
        (" >5", "a key is missing"),
        ("age!5", "its sign is missing"),
        ("age>old", "'old'"),
        ("age<=", "neither a number nor a date"),
        ("age>true", "'true'"),
        ("age>2020-1", "'2020-1'"),
        ("age=1e999", "too large"),
    ],
)
def test_a_wrong_condition_is_named(text, wrong):
    with pytest.raises(UsageError, match=wrong) as caught:
        parse_condition(text)
    assert repr(text) in caught.value.message


@given(st.text(max_size=30))
@example("a=[")
@example("a=*\0")
def test_any_text_is_a_condition_or_an_error(text):
    try:
        condition = parse_condition(text)
    except UsageError:
        return
    for value in ("x", 5, 2.5, b"true", None, text):
        assert isinstance(condition.fits(value), bool)


@given(st.one_of(st.integers(), st.floats(allow_nan=False)), st.sampled_from(["=", ">=", "<="]))
def test_a_number_is_equal_to_itself_however_large(number, sign):
    text = f"age{sign}{number!r}"
    if "inf" not in text and "e" not in text:
        assert parse_condition(text).fits(plain(number))


@given(st.from_regex(r"\A[A-Za-z][A-Za-z ]{0,20}\Z"))
def test_a_text_is_equal_to_itself(text):
    assert parse_condition(f"key={text}").fits(text.strip())
    assert field_condition("dtype", text) == Condition("dtype", "=", text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("ABCD", "abcd"), ("md5:12ab34", "12ab34"), ("0123abcd.dir", "0123abcd"), (" ffff ", "ffff")],
)
def test_digests(text, value):
    assert parse_digest(text) == value


@pytest.mark.parametrize("text", ["", "abc", "xyz1", "md5:", "crc:abcdef", "a" * 65])
def test_what_is_no_digest(text):
    with pytest.raises(UsageError, match="is no digest"):
        parse_digest(text)


def test_a_digest_is_that_of_any_version_and_algorithm():
    assert matches(Query(digest="abab"))
    assert not matches(Query(digest="baba"))
