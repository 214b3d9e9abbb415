"""Identifiers: short, ASCII, unique whatever the case."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurogister.errors import UsageError
from neurogister.model.identifier import Identifier

FIT = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}", fullmatch=True, alphabet=string.printable)


@settings(deadline=None)
@given(FIT)
def test_an_identifier_is_its_text(text):
    identifier = Identifier.parse(text)
    assert identifier == text
    assert str(identifier) == text
    assert identifier.key == text.lower()
    assert Identifier.fits(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "-a", "_a", "a b", " a", "a ", "a\n", "\na", "a.b", "a/b", "../a", "a:b", "a@1", "é",
        "ａ",
        "а", "a\u200b", "a\u0000", "--help", "a" * 256, "a" * 60_000, "٣",
    ],
    ids=lambda text: ascii(text[:10]),
)  # fmt: skip
def test_what_is_no_identifier_is_refused(text):
    assert not Identifier.fits(text)
    with pytest.raises(UsageError, match="not an identifier") as caught:
        Identifier.parse(text)
    assert len(str(caught.value)) < 150
    assert str(caught.value).isprintable()
