"""Reading many objects through one ``git cat-file --batch``."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ..errors import NotFoundError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Sequence


def read_batch(
    process: subprocess.Popen[bytes], oids: Sequence[str], limit: int | None
) -> Iterator[tuple[str, bytes | None]]:
    """Ask ``git cat-file --batch`` for objects, and give what it answers; None for a missing one.

    Parameters
    ----------
    process : Popen
        Started, with pipes.
    oids : sequence of str
        What to ask for.
    limit : int, optional
        Of a larger object, only that many bytes and one more are kept.
    """
    assert process.stdin is not None and process.stdout is not None  # noqa: S101 - for mypy
    stdin, stdout = process.stdin, process.stdout

    def ask() -> None:
        with suppress(OSError), stdin:
            stdin.writelines(f"{oid}\n".encode("ascii") for oid in oids)

    threading.Thread(target=ask, daemon=True).start()
    for oid in oids:
        head = stdout.readline().split()
        if len(head) != 3:
            if head[1:] == [b"missing"]:
                yield oid, None
                continue
            raise NotFoundError(f"the object {oid} cannot be read", hint="`git fsck` tells more.")
        size = int(head[2])
        kept = size if limit is None else min(size, limit + 1)
        data = stdout.read(kept)
        left = size - kept + 1  # and a line end
        while left > 0 and (skipped := stdout.read(min(left, 1 << 20))):
            left -= len(skipped)
        yield oid, data


@contextmanager
def finished(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """See to it that a process is over at the end, whatever happens."""
    try:
        yield
    except BaseException:
        process.kill()
        raise
    finally:
        for stream in (process.stdout, process.stderr, process.stdin):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        process.wait()
