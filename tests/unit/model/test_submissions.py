"""Which addresses a submission may name, and which only look as if."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from neurogister.errors import InvalidFileError, RefusedError, UsageError
from neurogister.model.fields import Fields
from neurogister.model.submissions import (
    Submissions,
    check_address,
    find_trailers,
    is_below,
    trailer,
)

TOP = "https://github.com/user-attachments/"


@pytest.mark.parametrize(
    ("url", "top"),
    [
        ("https://github.com/user-attachments/files/1/a.zip", TOP),
        ("https://GitHub.com:443/user-attachments/files/1/a.zip", TOP),
        ("https://github.com/user-attachments", TOP),
        ("s3://bucket/in/alice", "s3://bucket"),
        ("s3://bucket/in/alice", "s3://bucket/in/"),
        ("http://127.0.0.1:8000/x", "http://127.0.0.1:8000/"),
    ],
)
def test_below(url, top):
    assert is_below(url, top)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/user-attachments-evil/a.zip",
        "https://github.com/other/a.zip",
        "http://github.com/user-attachments/a.zip",
        "https://github.com:8443/user-attachments/a.zip",
        "https://github.com.evil.example/user-attachments/a.zip",
        "s3://github.com/user-attachments/a.zip",
    ],
)
def test_elsewhere(url):
    assert not is_below(url, TOP)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com@evil.example/user-attachments/a",
        "https://me:pw@github.com/user-attachments/a",
        "https://github.com/user-attachments/../../evil",
        "https://github.com/user-attachments/%2e%2E/evil",
        "https://github.com/user-attachments/%2fevil",
        "https://github.com/user-attachments//evil",
        "https://github.com/user-attachments/a?x=1",
        "https://github.com/user-attachments/a#x",
        "https://github.com\\@evil.example/user-attachments/a",
        "https://github.com/user attachments",
        "https://github.com/user-attachments/\u202e",
        "https://[::1/x", "https://host:99999/x", "https://", "file:///etc/passwd", "/etc/passwd",
        "ext::sh -c id", "javascript:alert(1)", "s3:///x", "",
    ],
)  # fmt: skip
def test_addresses_that_are_none(url):
    with pytest.raises(RefusedError):
        check_address(url)


@given(st.text(max_size=60), st.sampled_from(["", TOP, "s3://b/"]))
@example("..", TOP)
@example("https://[", "")
def test_whatever_is_accepted_stays_below(text, before):
    try:
        allowed = is_below(before + text, TOP)
    except RefusedError:
        return
    if allowed:
        assert (before + text).lower().startswith("https://github.com")
        assert ".." not in text.split("/")


@given(st.text(max_size=300))
@example("Add\n\nNeurogister-Staging: https://a.example/x\r\n")
def test_trailers_are_single_words(text):
    for url in find_trailers([text]):
        assert url.split() == [url]


def test_trailers_are_found_anywhere_and_once():
    url = "https://a.example/x"
    squashed = f"Merge (#7)\n\n* Add data\n\n{trailer(url)}\n\n* More\n\n{trailer(url)}\n\nBy: A"
    assert find_trailers([squashed, trailer("s3://b")]) == [url, "s3://b"]
    assert find_trailers([f"  {trailer(url)}", f"Not-{trailer(url)}", "Neurogister-Staging:"]) == []


@pytest.mark.parametrize("login", [None, "", "../bob", "a/b", "-x", "a" * 60, "é", "a\n"])
def test_logins_that_are_none(login):
    with pytest.raises(UsageError):
        Submissions(prefix="in/{login}/").folder(login)


def test_folders():
    assert Submissions(prefix="in/{login}/").folder("alice") == "in/alice"
    assert Submissions(prefix="in/").folder(None) == "in"
    assert Submissions().folder("alice") == ""


@pytest.mark.parametrize(
    "block",
    [
        {"prefix": "../{login}"}, {"prefix": "{user}/"}, {"prefix": 7}, {"staging": ["a"]},
        {"allowed": ["file:///"]}, {"allowed": ["https://a?b"]},
    ],
)  # fmt: skip
def test_blocks_that_make_no_sense(block):
    with pytest.raises(InvalidFileError, match=r"registry\.yaml"):
        Submissions.from_fields(Fields(block, "registry.yaml", ("submissions",)))
