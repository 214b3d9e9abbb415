"""Every example of the README and the documentation is run, as somebody would who reads it."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from .pages import PAGES, Block, find_missing, read_blocks, read_commands

needs_terminal = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX terminal")
_ROWS_AND_COLUMNS = (50, 100)


def pages_with(*languages: str) -> list[Path]:
    return [page for page in PAGES if any(block.runs for block in read_blocks(page, *languages))]


@needs_terminal
@pytest.mark.parametrize("page", pages_with("console"), ids=lambda page: page.name)
def test_the_commands_of_a_page_do_what_it_says(page, clone, environment, tmp_path):
    terminal = Terminal(clone, environment, tmp_path / "state")
    for block in read_blocks(page, "console"):
        if block.runs:
            run_block(terminal, block)


@pytest.mark.parametrize("page", pages_with("python"), ids=lambda page: page.name)
def test_the_python_of_a_page_runs(page, clone, environment, tmp_path):
    """All of a page's blocks are one program."""
    blocks = [block for block in read_blocks(page, "python") if block.runs]
    program = "\n".join(f"# {block.place}\n{block.text}" for block in blocks)
    script = tmp_path / "program.py"
    script.write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=clone, env=environment, capture_output=True, text=True, timeout=300,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_a_wrong_status_is_caught():
    block = Block(PAGES[0], 1, "console", ("exit=3",), "$ true\n")

    with pytest.raises(AssertionError):
        run_block(Content(), block)


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        (["a", "c"], None),
        (["a  b …"], None),
        (["…"], None),
        (["c", "a"], "a"),
        (["a …", "b"], "b"),
    ],
)
def test_output_is_compared_in_order(shown, missing):
    assert find_missing(shown, "a\r\na b 123\n\nc\n") == missing


def run_block(terminal, block: Block) -> None:
    commands = read_commands(block)
    assert commands, f"{block.place}: no line starts with `$ `"
    for command in commands:
        status, output = terminal.run(command.text)
        wanted = block.status if command is commands[-1] else 0
        what = f"{block.place}: $ {command.text}\n{output}"
        assert status == wanted, f"ended with {status}, not {wanted}: {what}"
        missing = find_missing(command.shown, output)
        assert missing is None, f"no line {missing!r}: {what}"


class Content:
    """A terminal on which every command goes well."""

    def run(self, command: str) -> tuple[int, str]:
        return 0, command


class Terminal:
    """Runs commands in bash on a terminal; folder and variables last from one to the next."""

    def __init__(self, folder: Path, environment: Mapping[str, str], state: Path) -> None:
        state.mkdir()
        self._environment = environment
        self._where = state / "folder"
        self._variables = state / "variables"
        self._where.write_text(f"{folder}\n")
        self._variables.write_text("")

    def run(self, command: str) -> tuple[int, str]:
        where, variables = shlex.quote(str(self._where)), shlex.quote(str(self._variables))
        script = (
            f'cd "$(cat {where})" && . {variables} || exit 99\n'
            f"{command}\n"
            f"status=$?; pwd > {where}; export -p > {variables}; exit $status"
        )
        return run_in_terminal(["bash", "-c", script], self._environment)


def run_in_terminal(command: list[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a program with a terminal as its output, and return its status and what it printed."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *_ROWS_AND_COLUMNS, 0, 0))
    try:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
        )
    finally:
        os.close(theirs)
    parts = []
    try:
        while part := os.read(ours, 1 << 16):
            parts.append(part)
    except OSError:
        pass  # the last one to write has closed it
    finally:
        os.close(ours)
    return process.wait(), b"".join(parts).decode("utf-8", "replace")
