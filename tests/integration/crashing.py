"""Runs one command again and again, killed a little later each time, and completed each time.

``python crashing.py TEMPLATE WORK SIGNAL ARGUMENTS`` copies the folder TEMPLATE, with the registry
``registry`` in it, to WORK for each try; ARGUMENTS are those of neurogister, as JSON. For each
state in which a kill can leave things it prints a line of JSON. Everything that is counted happens
in a child, so that nothing is imported twice and no thread is running when a process is forked.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

_DATE = re.compile(rb"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_WRITING = os.O_WRONLY | os.O_RDWR
_MOVES = ("replace", "rename", "link", "symlink")
_REMOVES = ("unlink", "remove", "rmdir")
_WRITING_GIT = {"add", "commit", "switch"}
COMPLETED = 99


def main() -> None:
    template, work, kind = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    arguments = json.loads(sys.argv[4])
    import neurogister.actions.deposit
    import neurogister.actions.pushing
    import neurogister.actions.rename
    import neurogister.actions.upload
    import neurogister.actions.withdraw
    import neurogister.cli.application  # noqa: F401 - so that each child is quick

    os.fsync = lambda _: None  # a kill is no power cut

    undisturbed = _try(template, work, arguments, 0, kind)
    wanted = _end(work)
    _say(number=0, killed=undisturbed, end=wanted, tree=_digest(work))
    seen = set()
    number = 0
    killed = ("", "")
    while killed[0] != COMPLETED:
        number += 1
        killed = _try(template, work, arguments, number, kind)
        state = _digest(work)
        if state in seen:
            continue
        seen.add(state)
        left = _end(work)
        listed = _fork(lambda: _neurogister(["list", "--json"], work))
        again = _fork(lambda: _neurogister(arguments, work))
        _say(number=number, killed=killed, listed=listed, left=left, again=again, end=_end(work))


def _say(**values: object) -> None:
    print(json.dumps(values), flush=True)


def _try(
    template: Path, work: Path, arguments: list[str], number: int, kind: str
) -> tuple[int, str]:
    if work.exists():
        shutil.rmtree(work)
    shutil.copytree(template, work, symlinks=True)

    def crash() -> None:
        if number:
            _arm(number, getattr(signal, kind))
        _neurogister(arguments, work)

    status, said = _fork(crash)
    return (COMPLETED if number and status == 0 else status), said


def _fork(action) -> tuple[int, str]:
    """Do something in a child; return how it ended, and what it said."""
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            try:
                action()
            except SystemExit as ended:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(int(ended.code or 0))
            finally:
                os._exit(250)
        _, status = os.waitpid(child, 0)
        output.seek(0)
        return os.waitstatus_to_exitcode(status), output.read().decode("utf-8", "replace")


def _neurogister(arguments: list[str], work: Path) -> None:
    from neurogister.cli.application import run

    os.chdir(work / "registry")
    sys.argv = ["neurogister", *arguments]
    run()


def _arm(number: int, kind: signal.Signals) -> None:
    """Let the process get a signal before its n-th write."""
    left = number
    mine = os.getpid()

    def count() -> None:
        nonlocal left
        if os.getpid() == mine:
            left -= 1
            if left == 0:
                signal.raise_signal(kind)

    def counting(function, matters):
        def counted(*arguments, **options):
            if matters(*arguments):
                count()
            return function(*arguments, **options)

        return counted

    def count_all(names, matters) -> None:
        for name in names:
            setattr(os, name, counting(getattr(os, name), matters))

    lexists = os.path.lexists
    count_all(_MOVES, lambda *_: True)
    count_all(_REMOVES, lambda path, *_: lexists(path))
    count_all(["mkdir"], lambda path, *_: not lexists(path))
    count_all(["open"], lambda _, flags, *_rest: flags & _WRITING)
    start = subprocess.Popen.__init__
    subprocess.Popen.__init__ = counting(start, lambda _, words, *_rest: _WRITING_GIT & {*words})


def _files(work: Path) -> dict[str, bytes]:
    """Return the files that matter, dates apart; git's own by what git says of them."""
    found = {}
    for path in sorted(work.rglob("*")):
        name = path.relative_to(work).as_posix()
        if ".git/" in name or "/.dvc/tmp/" in name or not path.is_file():
            continue
        if "/cache/neurogister/" not in name:
            found[name] = _DATE.sub(b"DATE", path.read_bytes())
    return found


def _end(work: Path) -> dict[str, object]:
    """Return what is there in the end, in a form that can be compared and shown."""
    files = _files(work)
    names = [name for name in files if "/.dvc/cache/" not in name and not name.startswith("remote")]
    return {
        "files": {name: hashlib.md5(files[name]).hexdigest() for name in names},
        "objects": sorted(files.keys() - set(names)),
        "status": _git(work, "status", "--porcelain", "--no-renames"),
        "tree": _git(work, "ls-tree", "-r", "--name-only", "HEAD"),
        "log": _git(work, "log", "--format=%s", "--all"),
        "staged": _git(work, "diff", "--cached", "--name-status", "--no-renames"),
        "work": sorted(
            path.name for path in (work / "registry/.dvc/cache/neurogister").glob("tmp/*")
        ),
    }


def _digest(work: Path) -> str:
    """Tell states apart: what the next command can see."""
    state = json.dumps([_end(work), sorted(
        path.relative_to(work).as_posix() for path in work.rglob("*") if ".git/" not in str(path)
    )])  # fmt: skip
    return hashlib.md5(re.sub(r"[0-9a-f]{12}", "TOKEN", state).encode()).hexdigest()


def _git(work: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        ["git", "--no-optional-locks", "-C", str(work / "registry"), *arguments],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.splitlines()


if __name__ == "__main__":
    main()
