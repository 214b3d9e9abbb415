"""Licences as SPDX writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.model.spdx import LicenseError, parse_license


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("CC-BY-4.0", {"CC-BY-4.0"}),
        ("MIT AND (CC0-1.0 OR PDDL-1.0)", {"MIT", "CC0-1.0", "PDDL-1.0"}),
        ("LicenseRef-MNI-ICBM152 AND BSD-3-Clause", {"LicenseRef-MNI-ICBM152", "BSD-3-Clause"}),
        ("GPL-2.0-only WITH Classpath-exception-2.0", {"GPL-2.0-only"}),
        ("Apache-2.0+", {"Apache-2.0+"}),
        ("DocumentRef-a:LicenseRef-b", {"DocumentRef-a:LicenseRef-b"}),
        ("NOASSERTION", {"NOASSERTION"}),
    ],
)
def test_an_expression_is_understood(text, names):
    license_ = parse_license(text)
    assert (license_.usual, license_.names) == (text, names)


@pytest.mark.parametrize(
    ("text", "usual"),
    [
        ("GPL-2.0", "GPL-2.0-only"),
        ("LGPL-3.0+", "LGPL-3.0-or-later"),
        ("cc-by-4.0", "CC-BY-4.0"),
        ("MIT AND gpl-3.0", "MIT AND GPL-3.0-only"),
    ],
)
def test_names_of_former_times_become_those_of_today(text, usual):
    assert parse_license(text).usual == usual


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("CC-BY-4", "CC-BY-4.0"),
        ("CC0", "CC0-1.0"),
        ("CC-BY-SA 4.0", "CC-BY-SA-4.0"),
        ("PDDL", "PDDL-1.0"),
        ("MIT and BSD-3-Clause", "AND"),
        ("Public Domain", None),
        ("MIT OR", None),
        ("MIT MIT", None),
        ("MIT/BSD", None),
        ("(MIT", None),
        ("", None),
        ("AND", None),
        ("NONE AND MIT", None),
        ("MIT WITH CC-BY-4.0", None),
        ("Classpath-exception-2.0", None),
        ("MIT\u202e", None),
        ("M" * 501, None),
        ("(" * 240 + "MIT" + ")" * 239, None),
    ],
)
def test_what_is_no_expression_is_told_and_mended_where_it_can_be(text, right):
    with pytest.raises(LicenseError) as caught:
        parse_license(text)
    assert caught.value.right == right


@given(st.lists(st.sampled_from(["MIT", "AND", "OR", "WITH", "(", ")", "GPL-2.0+", "x", "+"])))
def test_any_text_is_an_expression_or_a_license_error(words):
    text = " ".join(words)
    try:
        parsed = parse_license(text)
    except LicenseError:
        return
    assert parse_license(parsed.usual).names == parsed.names
