"""Names for new datasets."""

import re
import uuid
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.model.identifier import Identifier
from neurogister.model.naming import make_identifiers, split_name

NAMES = st.text(alphabet=st.sampled_from("ab.éT_-") | st.characters(), min_size=1, max_size=15)


@pytest.mark.parametrize(
    ("name", "stem", "extension"),
    [
        ("t1.nii.gz", "t1", ".nii.gz"),
        ("T1.NII.GZ", "T1", ".NII.GZ"),
        ("t1.nii", "t1", ".nii"),
        ("sub-01_T1w.nii.gz", "sub-01_T1w", ".nii.gz"),
        ("a.b.nii.gz", "a.b", ".nii.gz"),
        ("a.tar.xz", "a", ".tar.xz"),
        ("a.b.gz", "a.b", ".gz"),
        ("lh.pial", "lh", ".pial"),
        ("lh.BA1_exvivo.thresh.label", "lh.BA1_exvivo.thresh", ".label"),
        ("a.tsv.zip", "a", ".tsv.zip"),
        ("nothing", "nothing", ""),
        (".hidden", ".hidden", ""),
        (".hidden.gz", ".hidden", ".gz"),
        (".nii.gz", ".nii", ".gz"),
        ("..", "..", ""),
        ("...a", "...a", ""),
        ("a.", "a.", ""),
        ("a..gz", "a.", ".gz"),
        ("脳.nii.gz", "脳", ".nii.gz"),
        ("a b.wav", "a b", ".wav"),
        ("raw_DWIms300-1000.zip", "raw_DWIms300-1000", ".zip"),
    ],
)
def test_extensions(name, stem, extension):
    assert split_name(name) == (stem, extension)


@pytest.mark.parametrize(
    ("name", "extensions", "stem", "extension"),
    [
        ("a.surf.gii", ("surf.gii",), "a", ".surf.gii"),
        ("a.surf.gii", ("gii", "surf.gii"), "a", ".surf.gii"),
        ("A.SURF.GII", ("surf.gii",), "A", ".SURF.GII"),
        ("a.nii.gz", ("gz",), "a.nii", ".gz"),
        ("a.wav", ("nii.gz",), "a", ".wav"),
        (".wav", ("wav",), ".wav", ""),
        ("wav", ("wav",), "wav", ""),
    ],
)
def test_those_of_the_dtype_come_first(name, extensions, stem, extension):
    assert split_name(name, extensions) == (stem, extension)


@given(NAMES, st.lists(st.sampled_from(["gz", "nii.gz", "surf.gii", "a", "b.a"]), max_size=3))
def test_nothing_is_lost(name, extensions):
    stem, extension = split_name(name, extensions)
    assert stem + extension == name
    assert stem
    assert extension == "" or (extension[0] == "." and len(extension) > 1)


@given(st.text(), st.sampled_from(["base36", "uuid"]))
def test_identifiers_are_valid_different_and_always_the_same(seed, kind):
    made = list(islice(make_identifiers(seed, kind), 20))
    assert made == list(islice(make_identifiers(seed, kind), 20))
    assert len({each.key for each in made}) == 20
    for each in made:
        assert Identifier.parse(each) == each
        assert each.key == each, "lower case, as case does not count"


def test_their_forms():
    for each in islice(make_identifiers("seed", "base36"), 100):
        assert re.fullmatch("[0-9a-z]{8}", each)
    for each in islice(make_identifiers("seed", "uuid"), 100):
        assert str(uuid.UUID(each)) == each
        assert uuid.UUID(each).version == 5


@pytest.mark.parametrize("kind", ["base36", "uuid"])
def test_seeds_do_not_meet(kind):
    made = [next(make_identifiers(f"c/file-{n}", kind)) for n in range(5000)]
    assert len(set(made)) == 5000


def test_they_stay_what_they_are_in_later_releases():
    """An interrupted deposit may be completed by a newer neurogister."""
    assert next(make_identifiers("data/c/t1.nii.gz\0abc", "base36")) == "vnc5qqje"
    assert (
        next(make_identifiers("data/c/t1.nii.gz\0abc", "uuid"))
        == "e334b267-0bac-5dcb-9498-150c97c2ef93"
    )
