"""The quick way to read YAML never says anything else than the slow one."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neurogister.model.document import DocumentError, _build, _decode
from neurogister.model.plainyaml import NOT_PLAIN, parse_plain

POINTER = """\
# a comment
outs:
- md5: 0123456789abcdef0123456789abcdef
  size: 120
  hash: md5
  path: t1.nii.gz
meta:
  neurogister:
    id: mni-t1
    version: 1
    versions:
    - version: 1
      sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
      date: '2026-11-21'
      by: some body

    title: T1-weighted (1 mm), brain only
    description: >-
      How probable it is: # no comment
      - no item
    metadata:
      shape: [197, 233, -1]
      voxel_size_mm: [1.0, 1e3, .5]
      site: 3
      url: https://example.org/a:b
      nothing:
      flag: true
    keywords:
    - one
    - two words
"""


def quick_and_slow(text):
    quick = parse_plain(text)
    try:
        _decode(text.encode(), "f")
        slow = _build(text.encode(), "f")
    except DocumentError as error:
        slow = error
    return quick, slow


def check(text):
    quick, slow = quick_and_slow(text)
    if quick is not NOT_PLAIN:
        assert exact(quick) == exact(slow)


def exact(value):
    """Tell 1 from 1.0 and from True."""
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    return type(value), value


def test_a_pointer_is_plain():
    quick, slow = quick_and_slow(POINTER)
    assert quick == slow
    assert (
        quick["meta"]["neurogister"]["description"] == "How probable it is: # no comment - no item"
    )


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "# x\n", "a", "- a\n", "  a: 1\n", "a: 1\n  b: 2\n", "a: 1\n b: 2\n",
        "a:\n  b: 1\n c: 2\n",
        "a: b: c\n", "a: b #c\n", "a: b:\n", "a: b \n", "a:  b\n", "a: \n", "a:b\n", "a: 'b'c\n",
        "a: 'b''c'\n", 'a: "b"\n', "a: [1, [2]]\n", "a: {b: 1}\n", "a: &x 1\n", "a: *x\n",
        "a: !x 1\n",
        "a: 1\na: 2\n", "true: 1\n", "null: 1\n", "a: |\n  b\n", "a: >\n  b\n", "a: >-\n",
        "a: >-\nb: 1\n",
        "a: >-\n  b\n\n  c\n", "a: >-\n  b\n   c\n", "a: >-\n  b \n  c\n", "a: >-\n   b\n  c\n",
        "---\na: 1\n", "a: 1\n---\n", "a: 1\n...\n", "a: b\n  c\n", "a: b\n\n  c\n",
        "a:\n- b\n  c\n",
        "a: - b\n", "a:\n- - b\n", "a:\n-\n", "a:\n-  b\n", "? a\n: b\n", "a: ? b\n", "a: .inf\n",
        "a: 1e999\n", f"a: {'9' * 500}\n", "a:\tb\n", "a: b\r\n", "a: @b\n", "a: `b\n", "a: %b\n",
        "a: ,b\n",
        "a:\n  - b\n - c\n", "a:\n  b:\n - c\n", "a: [,]\n", "a: [a,b]\n", "a: [ a ]\n",
        "a: [a, ]\n",
        "a: ]\n", "a: #b\n", "a: --- b\n", "é: 1\n", "a b: 1\n", "1: a\n", "<<: 1\n",
        "a: 'b\n  c'\n",
    ],
    ids=ascii,
)  # fmt: skip
def test_odd_text_is_read_alike_or_left_alone(text):
    check(text)


PIECES = st.sampled_from([
    "a", "b", "key", "true", "null", "~", "1", "-1", "0.5", "01", "1e5", "0x1f", "text", "'q'",
    "'", '"',
    ": ", ":", "- ", "-", "  ", " ", "\n", "\n", "\n  ", "\n- ", "\n  - ", "\n    ", ">-", ">",
    "|", "[",
    "]", ", ", "{", "}", "# ", " #", "&", "*", "!", "?", "%", "@", "---", "...", "<<", "a: ",
    "\nb: ",
    "\n  c: ", "\n- d: ", "\n  - e: ", "\nf:", "\n  g:", "https://x", "é", "(", ")", "+", "/",
    ".", "=",
])  # fmt: skip


@settings(deadline=None, max_examples=400)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_made_up_text_is_read_alike_or_left_alone(text):
    check(text)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_changed_pointer_is_read_alike_or_left_alone(data):
    text = POINTER
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 6)))
        text = text[:start] + data.draw(PIECES) + text[end:]
    check(text)


SCALARS = st.one_of(
    st.sampled_from(["text", "two words", "1", "0.5", "true", "'q # x: y'", "a:b", "(x), y", "-5"]),
    st.sampled_from(["", "01"]),
    st.text("ab1.:-/ ,()'#[]", max_size=8),
)  # fmt: skip
LINES = st.builds(
    lambda indent, dash, key, value: f"{'  ' * indent}{dash}{key}: {value}".rstrip(),
    st.integers(0, 3), st.sampled_from(["", "", "- "]), st.sampled_from("abcdefgh"), SCALARS,
)  # fmt: skip
OTHER_LINES = st.sampled_from(
    ["", "# x", "  # x", "- x", "  - x", "a: >-", "  folded text", "    more", "  "]
)


@settings(deadline=None, max_examples=400)
@given(st.lists(LINES | LINES | OTHER_LINES, max_size=12).map("\n".join))
@example("a:\n- b: 1\n  c:\n  - d\ne: >-\n  x\n  y\n")
def test_lines_are_read_alike_or_left_alone(text):
    check(text)
    check(f"{text}\n")
