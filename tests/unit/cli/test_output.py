"""Output: what terminals and pipes get."""

import io
import json
import sys

import pytest

from neurogister.cli import output as module
from neurogister.cli.cache import parse_size
from neurogister.cli.output import Output, counted, human_size, printable
from neurogister.errors import UsageError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text: 1.5 ~ {x}", "plain text: 1.5 ~ {x}"),
        ("Höhe 高さ 🧠", "Höhe 高さ 🧠"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("one\ntwo\r\tthree", "one\\ntwo\\r\\tthree"),
        ("bell\x07 nul\x00 del\x7f c1\x9b", "bell\\u0007 nul\\u0000 del\\u007f c1\\u009b"),
        ("left\u202eright\u2066", "left\\u202eright\\u2066"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("lone\udcff", "lone\\udcff"),
        (12, "12"),
        (None, "None"),
    ],
)
def test_nothing_that_a_terminal_would_obey_is_printed(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (None, "?"), (0, "0 B"), (1, "1 B"), (999, "999 B"), (1000, "1.0 kB"), (1049, "1.0 kB"),
        (999_949, "999.9 kB"), (999_950, "1.0 MB"), (1_500_000, "1.5 MB"), (10**9, "1.0 GB"),
        (2 * 10**12, "2.0 TB"), (5 * 10**15, "5.0 PB"),
    ],
)  # fmt: skip
def test_sizes_are_written_as_people_read_them(size, shown):
    assert human_size(size) == shown


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0), ("1000", 1000), ("500MB", 5 * 10**8), ("500 mb", 5 * 10**8), ("20GB", 2 * 10**10),
        ("20g", 2 * 10**10), ("1.5GiB", 3 * 2**29), ("1KiB", 1024), ("2k", 2000), ("1T", 10**12),
        (" 7 B ", 7), ("0.5kB", 500),
    ],
)  # fmt: skip
def test_sizes_are_read_as_people_write_them(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "lots", "-1", "1e9", "5 XB", "MB", "1,5GB", "5BB", "∞"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError, match="is no size"):
        parse_size(text)


def test_things_are_counted_in_good_grammar():
    assert [counted(n, "file") for n in (0, 1, 2, 2000)] == [
        "0 files", "1 file", "2 files", "2,000 files"
    ]  # fmt: skip


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Make output of so many columns, and give what was printed."""

    def terminal(width, **table):
        stream = Terminal()
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setenv("COLUMNS", str(width))
        Output().table(**table)
        return stream.getvalue().splitlines()

    return terminal


ROWS = [("alpha/first.nii.gz", 1, "active", "A title of many words that goes on and on"),
        ("beta", 2000, "active", "Short")]  # fmt: skip
TABLE = {"columns": ("name", "size", "status", "title"), "rows": ROWS, "right": ("size",)}


def test_a_pipe_gets_cells_between_tabs_and_all_of_them(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("COLUMNS", "20")
    Output().table(("a", "b", "c"), [("x" * 50, None, "tab\there"), (1, True, "é")], drop=("a",))
    assert stream.getvalue() == "x" * 50 + "\t\ttab\\there\n1\tTrue\té\n"


def test_a_wide_terminal_gets_everything_aligned(terminal):
    assert terminal(120, **TABLE) == [
        "NAME                SIZE  STATUS  TITLE",
        "alpha/first.nii.gz     1  active  A title of many words that goes on and on",
        "beta                2000  active  Short",
    ]


def test_the_last_column_is_shortened_first(terminal):
    assert terminal(60, **TABLE) == [
        "NAME                SIZE  STATUS  TITLE",
        "alpha/first.nii.gz     1  active  A title of many words tha…",
        "beta                2000  active  Short",
    ]


def test_columns_that_may_go_do_before_names_are_cut(terminal):
    lines = terminal(48, **TABLE, drop=("status", "size"))
    assert lines[0] == "NAME                SIZE  TITLE"
    assert lines[1] == "alpha/first.nii.gz     1  A title of many words…"
    lines = terminal(44, **TABLE, drop=("status", "size"))
    assert lines[0] == "NAME                TITLE"
    assert lines[1] == "alpha/first.nii.gz  A title of many words t…"


def test_columns_that_may_go_do_if_they_are_empty(terminal):
    table = {"columns": ("name", "id", "title"), "rows": [("a", None, "b")], "drop": ("id",)}
    assert terminal(80, **table) == ["NAME  TITLE", "a     b"]


@pytest.mark.parametrize("drop", [(), ("status",), ("title", "name", "status", "size")])
def test_every_width_ends_and_fits_if_it_can(terminal, drop):
    for width in range(10, 130):
        lines = terminal(width, **TABLE, drop=drop)
        assert len(lines) == 3
        assert max(map(len, lines)) <= max(width, 4 * 8 + 3 * 2)


def test_wide_and_combining_characters_take_their_width(terminal):
    table = {"columns": ("name", "note"), "rows": [("高さ", "x"), ("e\u0301e", "y"), ("abcd", "z")]}
    assert terminal(80, **table) == ["NAME  NOTE", "高さ  x", "e\u0301e    y", "abcd  z"]


def test_what_matters_is_never_cut(terminal):
    assert terminal(30, **TABLE, cut=False)[1].endswith("goes on and on")


def test_a_table_without_rows_is_nothing(terminal):
    assert terminal(80, columns=("a", "b"), rows=[]) == []


def test_fields_are_aligned_and_empty_ones_left_out(capsys):
    Output().fields(
        [("one", 1), ("none", None), ("longer", "two\nlines"), ("empty", []), ("no", False)],
        indent=2,
    )
    assert capsys.readouterr().out == (
        "  one:    1\n  longer: two\n          lines\n  no:     False\n"
    )


def test_json_is_for_people_on_a_terminal_and_for_programs_elsewhere(monkeypatch, capsys):
    Output().json({"a": "é\x1b"})
    Output().json_lines([{"a": 1}, {"b": 2}])
    assert capsys.readouterr().out == '{"a": "\\u00e9\\u001b"}\n{"a": 1}\n{"b": 2}\n'
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    Output().json({"a": [1]})
    assert len(stream.getvalue().splitlines()) > 2
    assert json.loads(stream.getvalue()) == {"a": [1]}


def test_fit_never_loops():
    widths = module._fit({"a": 20, "b": 20, "c": 20}, (), 10)
    assert max(widths.values()) == 8
