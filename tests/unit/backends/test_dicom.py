"""Which tags of a DICOM header show who a person is, whatever the file does."""

import io
import sys
import time
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dicoms import (
    BORN,
    DEFLATED,
    ID,
    IMPLICIT,
    NAME,
    OTHER_NAMES,
    REMOVED,
    dicom_bytes,
    element,
    implicit,
    nested,
    patient,
)

from neurogister.backends import dicom
from neurogister.backends.dicom import LIMIT, filled_tags_of, is_dicom, is_dicom_file
from neurogister.errors import InvalidFileError, MissingExtraError

PERSON = ["PatientName", "PatientID", "PatientBirthDate"]


def filled(data: bytes) -> list[str]:
    return [tag.keyword for tag in filled_tags_of(io.BytesIO(data), "x") if tag.refused]


def test_a_file_is_known_by_its_content(tmp_path):
    path = tmp_path / "IM0001"
    path.write_bytes(dicom_bytes())
    assert is_dicom_file(path)
    for data in (b"", b"DICM", bytes(131), bytes(200)):
        path.write_bytes(data)
        assert not is_dicom_file(path) and not is_dicom(data)


def test_filled_tags_are_found_in_every_form():
    assert filled(dicom_bytes(*patient())) == PERSON
    assert filled(dicom_bytes(*patient(), syntax=DEFLATED)) == PERSON
    plain = [implicit(NAME, b"Doe^Jane"), implicit(ID, b"4711"), implicit(BORN, b"19800523")]
    assert filled(dicom_bytes(*plain, syntax=IMPLICIT)) == PERSON


def test_tags_in_sequences_are_found():
    assert filled(dicom_bytes(nested(3, element(NAME, "PN", b"Doe^Jane")))) == ["PatientName"]


def test_empty_ones_and_dummies_are_nobody():
    assert filled(dicom_bytes()) == []
    assert filled(dicom_bytes(element(NAME, "PN", b""), element(ID, "LO", b"  \0"))) == []
    assert filled(dicom_bytes(element(NAME, "PN", b"Anonymous^"), element(ID, "LO", b"0"))) == []


def test_a_header_without_identity_may_have_dummies_where_the_standard_does():
    removed = element(REMOVED, "CS", b"YES")
    assert filled(dicom_bytes(*patient(), removed)) == []
    names = element(OTHER_NAMES, "PN", b"Roe^Jane")
    assert filled(dicom_bytes(*patient(), names, removed)) == ["OtherPatientNames"]
    assert filled(dicom_bytes(*patient(), element(REMOVED, "CS", b"NO"))) == PERSON


HOSTILE = {
    "deep": dicom_bytes(nested(17, patient()[0])),
    "very deep": dicom_bytes(nested(3000, b"")),
    "bomb": dicom_bytes(element((9, 0x1001), "OB", bytes(LIMIT)), syntax=DEFLATED),
    "large": dicom_bytes(element((9, 0x1001), "OB", bytes(LIMIT))),
    "no deflate": bytes(128) + b"DICM" + dicom_bytes(syntax=DEFLATED)[132:174] + b"\xff" * 50,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_little_time_and_memory(name):
    data = HOSTILE[name]
    start = time.perf_counter()
    tracemalloc.start()
    try:
        with pytest.raises(InvalidFileError, match="the DICOM header of x"):
            filled(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - start < 10
    assert peak < 300 << 20


def test_a_length_that_lies_costs_nothing():
    data = dicom_bytes(element((9, 0x1001), "OB", b"ab", length=0xFFFFFFF0))
    with suppress(InvalidFileError):
        assert filled(data) == []


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_are_judged_or_refused(data, after_meta):
    start = dicom_bytes(pixels=b"")[:170] if after_meta else bytes(128) + b"DICM"
    try:
        filled(start + data)
    except InvalidFileError as error:
        assert "x" in error.message


@given(st.data())
def test_a_broken_header_is_judged_or_refused(data):
    good = bytearray(dicom_bytes(nested(2, patient()[0]), *patient()))
    for _ in range(data.draw(st.integers(1, 6))):
        good[data.draw(st.integers(132, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        filled(bytes(good))
    except InvalidFileError:
        return


def test_without_pydicom_the_error_says_how_to_get_it(monkeypatch):
    dicom._need_pydicom.cache_clear()
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(MissingExtraError) as caught:
        filled(dicom_bytes())
    assert "neurogister[dicom]" in str(caught.value.hint)
