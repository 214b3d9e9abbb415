"""What shows who a person is, and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.model.identifying import (
    is_dummy,
    sign_in_path,
    sign_in_text,
    signs_in_metadata,
    tags,
)


def test_the_tags_are_those_of_the_standard():
    assert len(tags()) == 114
    assert tags()[0x00100010].keyword == "PatientName" and tags()[0x00100010].refused
    assert not tags()[0x00080020].refused  # the date of the study


@pytest.mark.parametrize(
    "metadata",
    [
        {"PatientName": "Doe^Jane"},
        {"patient_name": "Jane Doe"},
        {"patient": {"birth-date": "1980-05-23"}},
        {"date_of_birth": "1980"},
        {"MRN": 4711},
        {"subjects": [{"first name": "Jane"}]},
        {"note": "see jane.doe@example.org"},
        {"note": "phone: 030 1234567-8"},
        {"note": "+49 30 1234567"},
        {"note": "born 23.05.1980"},
        {"note": "123-45-6789"},
        {"note": "DOE^JOHN"},
        {"PatientID": "12345"},
    ],
)
def test_metadata_about_a_person_is_found(metadata):
    (sign,) = signs_in_metadata(metadata)
    assert not any(word in sign.what for word in ("Jane", "4711", "1980", "12345"))


@pytest.mark.parametrize(
    "metadata",
    [
        {"subject": 7, "sub": "sub-01", "age": 31, "sex": "F", "handedness": "R"},
        {"PatientName": "anonymous", "PatientID": "", "PatientBirthDate": None},
        {"PatientName": "XXXX", "mail": False},
        {"acquired": "2024-05-23T12:00:00", "scanner": "Prisma", "site": "Leipzig"},
        {"doi": "10.5281/zenodo.591597", "isbn": "978-3-16-148410-0", "orcid": "0000-0002-1825"},
        {"range": "+1.5 to +2.5", "gain": "+12.0000000 dB", "uid": "1.2.840.10008.1.2.1"},
        {"coordinates": "+12 -34 +56 mm", "frequencies": "125 250 500 1000 2000"},
        {"formula": "x^2 + Y^T", "name": "tone", "title": "Mr Bean"},
        {"md5": "5908620a4fa5aa20e26f79365f30bb56", "version": "1.2.3-4567"},
    ],
)
def test_metadata_about_data_passes(metadata):
    assert list(signs_in_metadata(metadata)) == []


@pytest.mark.parametrize("path", ["DOE^JOHN/1.dcm", "a/Doe^Jane^^.dcm", "jane@example.org.txt"])
def test_paths_with_names_are_found(path):
    assert sign_in_path(path)


@pytest.mark.parametrize("path", ["sub-01/anat.nii.gz", "a^b.txt", "x^2/Y^T", "1.2.840/3", "a@b"])
def test_other_paths_pass(path):
    assert sign_in_path(path) is None


def test_prose_may_have_addresses_of_e_mail_and_no_dates_of_birth():
    assert sign_in_text("Write to jane@example.org. Acquired 23.05.1980.") is None
    assert sign_in_text("The subject, born 1980-05-23, …") == "a date of birth"


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) |
                    st.dictionaries(st.text(), inner)))  # fmt: skip
def test_any_metadata_can_be_judged(value):
    for sign in signs_in_metadata({"key": value}):
        assert sign.what


@pytest.mark.parametrize("value", ["", "ANON", "Anonymous^", "anonymized", "n/a", "000", None])
def test_dummies_are_nobody(value):
    assert is_dummy(value)
