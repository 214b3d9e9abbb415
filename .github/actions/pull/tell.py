"""What the action tells: to its other steps, to those of the workflow, and to people.

It needs nothing but Python, and takes what it is to tell from the environment and standard input.
"""

import hashlib
import json
import os
import sys
import tomllib
from pathlib import Path


def main() -> None:
    """Do what the argument says."""
    {"prepared": tell_prepared, "pulled": tell_pulled}[sys.argv[1]]()


def tell_prepared() -> None:
    """Tell the name that the cache of GitHub gets, and what of our cache goes there."""
    names = "\n".join(sorted({*_names()}))
    try:
        locked = Path(os.environ["LOCKFILE"]).read_bytes()
    except OSError as error:
        # What was typed is not repeated: a runner takes some lines for commands.
        _fail(f"the lockfile cannot be read ({error.strerror}): see the input lockfile", 3)
    digest = hashlib.sha256(locked + b"\0" + names.encode()).hexdigest()
    cache = Path(os.environ["CACHE"])
    _write(
        cache=str(cache),
        objects=str(cache / "objects"),
        key=f"neurogister-1-{os.environ['RUNNER_OS']}-{digest}",
    )


def tell_pulled() -> None:
    """Tell where everything is, by what `neurogister pull --json` said, and that it is right."""
    pulled = [json.loads(line) for line in sys.stdin.buffer]
    paths = {_label(one): one["path"] for one in pulled}
    _write(folder=str(_folder()), paths=json.dumps(paths, sort_keys=True))
    files = sum(one["files"] for one in pulled)
    size = sum(one["size"] or 0 for one in pulled)
    verified = (
        f"{len(pulled):,} of the lockfile here, {files:,} files ({size:,} bytes) in all:"
        " each verified, by its size and digests"
    )
    print(verified)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(summary, "a", encoding="utf-8", newline="\n") as stream:
            stream.write(f"**neurogister**: {verified}.\n")


def _names() -> list[str]:
    return [name for line in os.environ["NAMES"].split("\n") if (name := line.strip())]


def _label(one: dict[str, str | None]) -> str:
    return f"{one['name']}:{one['part']}" if one["part"] else f"{one['name']}"


def _folder() -> Path:
    if into := os.environ["INTO"]:
        return Path(into).absolute()
    lockfile = Path(os.environ["LOCKFILE"]).absolute()
    folder = tomllib.loads(lockfile.read_text(encoding="utf-8")).get("folder", "")
    return lockfile.parent / folder


def _write(**outputs: str) -> None:
    lines = []
    for name, value in outputs.items():
        if not value.isprintable():  # a second line would be an output of its own
            _fail(f"the output {name} would have characters that cannot be printed", 2)
        lines.append(f"{name}={value}\n")
    with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8", newline="\n") as stream:
        stream.writelines(lines)


def _fail(message: str, status: int) -> None:
    print(f"::error title=neurogister::{message}")
    sys.exit(status)


if __name__ == "__main__":
    main()
