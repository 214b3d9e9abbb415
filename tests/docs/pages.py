"""The pages of the documentation, and the examples in them."""

import re
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
# An example belongs to whoever runs `python -m benchmarks`.
PAGES = [REPOSITORY / "README.md", *sorted(DOCS.glob("*.md"))]

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the words behind it, its text and first line."""

    page: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{self.page.relative_to(REPOSITORY).as_posix()}:{self.line}"

    @property
    def runs(self) -> bool:
        """Whether it can be run here."""
        return "no-run" not in self.words

    @property
    def status(self) -> int:
        """What its last command ends with."""
        return next((int(w.removeprefix("exit=")) for w in self.words if "exit=" in w), 0)


@dataclass
class Command:
    """One command of a console block, and the output that the page shows."""

    text: str
    shown: list[str] = field(default_factory=list)


def read_blocks(page: Path, *languages: str) -> list[Block]:
    """Return the fenced blocks of a page, of some languages or all."""
    text = page.read_text(encoding="utf-8")
    blocks = []
    for found in _FENCE.finditer(text):
        language, *words = found["info"].split() or [""]
        if not languages or language in languages:
            body = re.sub(rf"^{found['indent']}", "", found["body"], flags=re.MULTILINE)
            line = text.count("\n", 0, found.start()) + 1
            blocks.append(Block(page, line, language, tuple(words), body))
    return blocks


def read_commands(block: Block) -> list[Command]:
    """Return the commands of a console block: what is behind ``$ ``, gone on with behind ``> ``."""
    commands: list[Command] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            commands.append(Command(line[2:]))
        elif line.startswith("> ") and commands and not commands[-1].shown:
            commands[-1].text += f"\n{line[2:]}"
        elif commands:
            commands[-1].shown.append(line)
        else:
            raise ValueError(f"{block.place}: output without a command: {line!r}")
    return commands


def find_missing(shown: list[str], output: str) -> str | None:
    """Return the first line that the page shows and the output lacks, in this order.

    ``…`` stands for anything; blanks at the end of lines, and how many stand between words, do
    not count.
    """
    lines = iter([_plain(line) for line in re.split(r"[\r\n]+", output)])
    for each in shown:
        parts = re.split(r"\s*…\s*", _plain(each))
        pattern = re.compile(".*".join(re.escape(part) for part in parts))
        if _plain(each) and not any(pattern.fullmatch(line) for line in lines):
            return each
    return None


def _plain(line: str) -> str:
    return " ".join(line.split())


def text_of(page: Path) -> str:
    """Return the text of a page."""
    return page.read_text(encoding="utf-8")


def all_docs() -> str:
    """Return the text of all pages."""
    return "\n".join(text_of(page) for page in PAGES)
