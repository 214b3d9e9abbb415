"""Parsers of strangers' files: a value or our own error, in bounded time, whatever comes in.

`python -m pytest -m slow tests/fuzz`; `tests/fuzz/atheris_parsers.py` goes further, led by coverage.
"""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fuzz.targets import SEEDS, TARGETS

pytestmark = pytest.mark.slow
SECONDS = 5


@st.composite
def _mutated(draw: st.DrawFn, seed: bytes) -> bytes:
    """A true file with some bytes replaced, removed, doubled or put in."""
    data = bytearray(seed)
    for _ in range(draw(st.integers(1, 8))):
        place = draw(st.integers(0, len(data)))
        end = min(len(data), place + draw(st.integers(0, 30)))
        piece = draw(
            st.binary(max_size=12) | st.sampled_from(_PIECES) | st.just(bytes(data[place:end]))
        )
        data[place : draw(st.sampled_from([place, end]))] = piece * draw(
            st.sampled_from([1, 1, 1, 2, 50])
        )
    return bytes(data[:200_000])


_PIECES = [
    b"&a ", b"*a", b"!!python/object ", b"<<: ", b"---\n", b"%YAML 1.1\n", b"\xef\xbb\xbf", b"\0", b"\x1b",
    b"[" * 100, b"{" * 100, b"- " * 100, b"? ", b"1.0e+9", b"0x1f", b"../", b"\xff\xfe", b"\r", b'"', b"'",
    b"\xe2\x80\xae", b"9" * 400, b"-", b"true", b"null", b"#", b"[[registry]]\n", b"=", b"**/", b"\\",
]  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=3_000, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_parser(name: str, data: st.DataObject) -> None:
    content = data.draw(st.binary(max_size=300) | _mutated(SEEDS[name]))
    start = time.perf_counter()
    TARGETS[name](content)
    assert time.perf_counter() - start < SECONDS
