"""The zip archive of a package, as files tell it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.errors import InvalidFileError
from neurogister.model.fields import Fields
from neurogister.model.zips import Zip, ZipSource, is_zip, why_no_zip

GOOD = {"dataset": "b0-zip@1", "name": "b0.zip", "md5": "0" * 32, "size": 7, "sha256": "a" * 64}


def read(kind, said):
    return kind.from_fields(Fields(dict(said), "store/lab/b0.yaml", ("zip",)))


def test_what_is_read_is_written_again():
    assert read(Zip, GOOD).as_mapping() == GOOD
    least = {"name": "b0.ZIP", "md5": "0" * 32}
    assert read(Zip, least).as_mapping() == least
    source = {"dataset": "b0-zip", "name": "b0.zip"}
    assert read(ZipSource, source).as_mapping() == source


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "../b0.zip"}, {"name": "a/b0.zip"}, {"name": "b0.tar"}, {"name": ".zip"},
        {"name": None}, {"name": "-b0.zip"}, {"name": "b0\n.zip"}, {"md5": "0" * 31},
        {"md5": f"{'0' * 32}.dir"}, {"md5": None}, {"sha256": "A" * 64}, {"size": -1},
        {"size": "7"}, {"dataset": 1},
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(wrong):
    [name] = wrong
    with pytest.raises(InvalidFileError, match=rf"store/lab/b0.yaml.*zip.*{name}"):
        read(Zip, GOOD | wrong)


@pytest.mark.parametrize("wrong", [{"dataset": None}, {"name": None}, {"name": "x"}])
def test_a_wrong_source_is_named(wrong):
    with pytest.raises(InvalidFileError, match="zip"):
        read(ZipSource, {"dataset": "b0-zip", "name": "b0.zip"} | wrong)


@given(st.text(max_size=20))
def test_a_name_is_one_component_that_ends_as_it_must(text):
    if why_no_zip(text) is None:
        assert is_zip(text)
        assert "/" not in text and text.lower() not in (".zip", "..")
    assert is_zip(f"a/{text}.zip") == bool(text.rpartition("/")[2])
