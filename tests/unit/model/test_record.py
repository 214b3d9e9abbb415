"""Records and ledgers: tolerant of what is not known, strict about types."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurogister.errors import InvalidFileError
from neurogister.model.document import DocumentError
from neurogister.model.fields import Fields, name_of
from neurogister.model.ledger import Version, is_semantic_version
from neurogister.model.record import Location, Record, Withdrawal

MD5, SHA256 = "a" * 32, "b" * 64
FULL = {
    "id": "mni152-t1",
    "version": 2,
    "versions": [
        {"version": 1, "md5": MD5, "size": 5, "sha256": SHA256, "date": "2026-11-20", "by": "me"},
        {"version": 2, "md5": f"{MD5}.dir", "size": 0, "nfiles": 1, "note": "a folder", "seal": 7},
    ],
    "dtype": "t1w",
    "title": "A title",
    "description": "More",
    "license": "CC0-1.0",
    "created_by": "me",
    "created_on": "2026-11-20",
    "metadata": {"site": 3, "shape": [1, 2], "note": None},
    "derived_from": ["other@1"],
    "locations": [{"archive": "tape", "address": "T1:3"}, {"archive": "lab"}],
    "status": "active",
    "unheard_of": {"x": 1},
}


def read(mapping):
    return Record.from_fields(Fields(mapping, "f.yaml"))


def test_a_record_is_read_whole():
    record = read(FULL)
    assert record.id == "mni152-t1"
    assert record.version == 2
    assert record.versions[0] == Version(
        version=1, md5=MD5, size=5, sha256=SHA256, date="2026-11-20", by="me"
    )
    assert record.versions[1].is_dir
    assert not record.versions[0].is_dir
    assert record.versions[1].extra == {"seal": 7}
    assert record.metadata["shape"] == [1, 2]
    assert record.derived_from == ("other@1",)
    assert record.locations == (Location("tape", "T1:3"), Location("lab"))
    assert record.extra == {"unheard_of": {"x": 1}}


def test_a_record_is_written_as_it_was_read():
    assert read(FULL).as_mapping() == FULL
    assert list(read(FULL).as_mapping()) == list(FULL)
    withdrawn = {"id": "x", "status": "withdrawn", "withdrawn": {"date": "d", "reason": "r"}}
    assert read(withdrawn).as_mapping() == withdrawn
    assert read(withdrawn).withdrawn == Withdrawal(date="d", reason="r")


def test_an_empty_record_has_defaults():
    record = read({})
    assert (record.id, record.versions, record.status) == (None, (), "active")
    assert record.as_mapping() == {"status": "active"}
    assert read({"title": None, "versions": None, "metadata": None}) == record


def test_versions_are_found_by_number_or_text():
    record = read(FULL)
    assert record.find_version("2") is record.versions[1]
    assert record.find_version(1) is record.versions[0]
    assert record.find_version("3") is None
    assert record.find_version("02") is None


def test_a_version_is_added_at_the_end():
    record = read(FULL).with_version(Version(version=3, md5=MD5))
    assert record.version == 3
    assert [each.version for each in record.versions] == [1, 2, 3]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": 5}, "id must be text, not the number 5"),
        ({"id": "a b"}, "id is wrong"),
        ({"id": "a\n"}, "id is wrong"),
        ({"version": 0}, "version must be"),
        ({"version": True}, "version must be"),
        ({"version": 1.1}, "version must be"),
        ({"version": "1.0"}, "version must be"),
        ({"versions": {}}, "versions must be a list"),
        ({"versions": [1]}, r"versions\[0\] must be a mapping"),
        ({"versions": [{"md5": MD5}]}, r"versions\[0\]\.version is missing"),
        ({"versions": [{"version": 1, "md5": "x"}]}, r"versions\[0\]\.md5 must be"),
        ({"versions": [{"version": 1, "md5": f"{MD5}\n"}]}, r"versions\[0\]\.md5 must be"),
        ({"versions": [{"version": 1, "md5": MD5.upper()}]}, r"versions\[0\]\.md5 must be"),
        ({"versions": [{"version": 1, "size": -1}]}, r"versions\[0\]\.size must be"),
        ({"versions": [{"version": 1, "size": True}]}, r"versions\[0\]\.size must be"),
        ({"versions": [{"version": 1, "size": 2**53}]}, r"versions\[0\]\.size must be"),
        ({"versions": [{"version": 1, "size": 1.0}]}, r"versions\[0\]\.size must be"),
        ({"versions": [{"version": 1, "sha256": MD5}]}, "must be 64 hexadecimal"),
        ({"versions": [{"version": 1, "sha1": MD5}]}, "must be 40 hexadecimal"),
        ({"versions": [{"version": 1, "blake3": "x" * 64}]}, "must be 64 hexadecimal"),
        ({"title": 2020}, "title must be text"),
        ({"title": ["a"]}, "title must be text, not a list"),
        ({"metadata": "x"}, "metadata must be a mapping"),
        ({"derived_from": [1]}, "derived_from must be text or a list of texts"),
        ({"status": "gone"}, "status must be one of active, deprecated, withdrawn"),
        ({"status": True}, "status must be text, not true"),
        ({"locations": ["tape"]}, r"locations\[0\] must be a mapping"),
        ({"locations": [{}]}, r"locations\[0\]\.archive is missing"),
        ({"withdrawn": "yes"}, "withdrawn must be a mapping"),
        ({"withdrawn": {"reason": 1}}, "withdrawn.reason must be text"),
    ],
)
def test_a_wrong_type_is_an_error_that_names_the_field(change, reason):
    with pytest.raises(DocumentError, match=f"^f.yaml: .*{reason}"):
        read(FULL | change)


def test_a_forgotten_quote_is_hinted_at():
    with pytest.raises(InvalidFileError) as caught:
        read({"versions": [{"version": 1.1}]})
    assert caught.value.hint == "Put it in quotes."


@pytest.mark.parametrize("text", ["1.2.0", "0.0.1", "10.20.30", "1.0.0-rc.1", "1.0.0+build.5"])
def test_semantic_versions(text):
    assert is_semantic_version(text)
    assert read({"version": text}).version == text


@pytest.mark.parametrize(
    "text", ["1", "1.2", "v1.2.0", "1.2.3.4", "01.2.3", "1.2.3\n", "1.2.x", ""]
)
def test_what_is_no_semantic_version(text):
    assert not is_semantic_version(text)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(FULL)), ANYTHING))
def test_any_values_give_a_record_or_our_error(mapping):
    try:
        record = read(mapping)
    except InvalidFileError:
        return
    assert read(record.as_mapping()) == record


def test_names_of_fields():
    assert (
        name_of(("meta", "neurogister", "versions", 2, "size"))
        == "meta.neurogister.versions[2].size"
    )
    assert name_of(()) == ""
