"""Run one command, and write down its time and memory: ``stopwatch.py RESULT COMMAND…``.

A process of its own, as small as Python can be: Linux counts the memory of a parent at the start
of its child to the child's peak, and the benchmark itself holds a lot.
"""

import json
import os
import sys
import time


def main(result: str, *command: str) -> int:
    start = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - start
    unit = 1 if sys.platform == "darwin" else 1024
    measured = {
        "seconds": seconds,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * unit,
        "status": os.waitstatus_to_exitcode(status),
    }
    with open(result, "w", encoding="utf-8") as stream:
        json.dump(measured, stream)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
