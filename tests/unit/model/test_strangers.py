"""What a stranger's text must not have, and what scientists write that must pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurogister.model.strangers import find_dangers, find_secret

HARMLESS = [
    "p < 0.05",
    "<1 mm, voxels >2 mm",
    "ages <18 and <= 65",
    "a < b && c > d",
    "-1.5",
    "+3 dB (re 20 µPa)",
    "-70 mV (resting)",
    "- a list, (first) item",
    "+/- 2 SD",
    "±0.5",
    "jane.doe@example.org",
    "https://doi.org/10.5281/zenodo.591597",
    "doi:10.1000/182, arXiv:2101.00001",
    "raw data: see the paper; file: dwi.nii.gz; profile: low",
    "Müller, Größe, naïve café, Ångström",
    "静息态功能磁共振成像",
    "بيانات الرنين المغناطيسي",
    "נתוני MRI",
    "می\u200cخواهم",  # Persian, with the non-joiner that its spelling wants
    "क्\u200dष",
    "family 👨\u200d👩\u200d👧, 🏳️\u200d🌈, 👩🏽\u200d🔬",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "a block of code::\n\n    x = 1",
    "std::vector, ::1 is an address",
    "two\nlines\tand a tab",
    "C# and F# and #1",
    "time 12:30:15, ratio 3:2",
    "email me @ noon",
]
HOSTILE = [
    ("<script>alert(1)</script>", "text-markup"),
    ("x</td>", "text-markup"),
    ("<!--", "text-markup"),
    ("<img src=x onerror=y>", "text-markup"),
    ("a<b", "text-markup"),
    ("[x](javascript:alert(1))", "text-link"),
    ("JaVaScRiPt :alert(1)", "text-link"),
    ("data:text/html;base64,AAAA", "text-link"),
    ("see file:///etc/passwd", "text-link"),
    ('=HYPERLINK("https://x","y")', "text-formula"),
    ("@SUM(1+1)", "text-formula"),
    ("  =1+1", "text-formula"),
    ("＝1", "text-formula"),
    ("+cmd|' /C calc'!A0", "text-formula"),
    ("-2+3+cmd|' /C calc'!A0", "text-formula"),
    ("-SUM(A1)", "text-formula"),
    ("\tx", "text-formula"),
    ("\rx", "text-formula"),
    ("::add-mask::x", "text-command"),
    ("fine\n  ::set-output name=x::y", "text-command"),
    ("fine%0A::error::x", "text-command"),
    ("##[error]x", "text-command"),
    ("a\u202eb", "text-invisible"),
    ("a\u2066b", "text-invisible"),
    ("a\u200bb", "text-invisible"),
    ("a\u200db", "text-invisible"),
    ("\u200d", "text-invisible"),
    ("a\ufeffb", "text-invisible"),
    ("a\x1b[31mb", "text-invisible"),
    ("a\x9bb", "text-invisible"),
    ("a\u3164b", "text-invisible"),
    ("a\U000e0041b", "text-invisible"),
    ("x" * 20_001, "text-length"),
]
SECRETS = [
    "https://jane:geheim@example.org/x",
    "s3://key:secret@bucket",
    "https://:token@example.org",
    "AKIA" + "ABCDEFGH23456723",
    "ghp_" + "a1" * 18,
    "github_pat_" + "a1" * 25,
    "glpat-" + "a" * 20,
    "xoxb-" + "1" * 12,
    "AIza" + "a" * 35,
    "pypi-AgE" + "a" * 50,
    "hf_" + "a" * 34,
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "https://b.s3.amazonaws.com/x?X-Amz-Signature=" + "0a" * 32,
    "eyJ" + "a" * 12 + ".eyJ" + "b" * 12 + "." + "c" * 20,
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_scientists_write_passes(text):
    assert list(find_dangers(text)) == []


@pytest.mark.parametrize(("text", "rule"), HOSTILE, ids=range(len(HOSTILE)))
def test_what_could_do_harm_is_found(text, rule):
    found = {each.rule: each for each in find_dangers(text)}
    assert rule in found
    assert found[rule].shown.isprintable() or "\n" in text or "\t" in text or "\r" in text


@pytest.mark.parametrize("text", SECRETS, ids=range(len(SECRETS)))
def test_secrets_are_found_and_not_repeated(text):
    found = find_secret(f"here: {text}")
    assert found is not None and found.rule == "secret"
    assert len(found.shown) <= 11 and text not in found.shown
    assert "secret" in {each.rule for each in find_dangers(text)}


@pytest.mark.parametrize(
    "text",
    ["https://example.org/a:b@c", "git@github.com:a/b", "AKIA", "ghp_short", "a public key",
     "https://x.org/?sig=short", "10:30@noon", "eyJ.eyJ.x"],
)  # fmt: skip
def test_what_only_resembles_a_secret_is_none(text):
    assert find_secret(text) is None


@given(st.text(max_size=300))
def test_any_text_can_be_judged(text):
    for danger in find_dangers(text):
        assert danger.rule and danger.what


@given(st.text(st.characters(categories=["L", "Nd", "Zs", "Mn"]), min_size=1, max_size=200))
def test_letters_of_any_script_are_harmless(text):
    assert not {each.rule for each in find_dangers(f"a {text}")} - {"text-invisible"}
