"""The command: ``python -m benchmarks``, in the top folder of the repository."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from .bench import TOP, Bench, say
from .machine import compile_us, describe
from .model import BenchmarkError
from .report import Report, as_json, as_text, write_document
from .rows import ROWS
from .runner import run_row


def main() -> int:
    options = _parse()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers must stop then too
    bench = Bench(options.work.absolute(), options.scale)
    bench.enter()
    try:
        report = _run(bench, options)
    finally:
        if not options.keep:
            bench.leave()
    if options.json:
        options.json.write_text(json.dumps(as_json(report), indent=2) + "\n", "utf-8")
    if options.write_docs:
        write_document(report)
    print(f"\n{_conclusion(report)}")
    return 0 if report.passed else 1


def _conclusion(report: Report) -> str:
    if not report.passed:
        return "rows failed, or bars were missed" if report.judged else "rows failed"
    return "all bars met" if report.judged else "all results right; bars are judged from scale 1 on"


def _run(bench: Bench, options: argparse.Namespace) -> Report:
    compile_us()
    machine = describe(bench.work)
    for name, value in machine.items():
        print(f"{name:<18} {value}")
    results = []
    for name in options.only or ROWS:
        result = run_row(ROWS[name], bench, options.repeat)
        print(as_text(result, judged=bench.scale >= 1), flush=True)
        results.append(result)
        bench.tidy()
    return Report(machine, bench.scale, options.repeat, results)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Run neurogister and its peers alternately, and compare.",
        epilog="Exit status: 0 all bars met, 1 a bar missed or a wrong result. Rows: "
        + ", ".join(ROWS),
    )
    parser.add_argument("--only", nargs="+", choices=ROWS, metavar="ROW", help="only these rows")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="rounds (default: 3)")
    parser.add_argument(
        "--scale", type=float, default=1.0, metavar="F",
        help="a part of the full numbers and sizes; bars are judged from 1 on",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples to a file")
    parser.add_argument("--keep", action="store_true", help="keep the data for the next run")
    parser.add_argument(
        "--work", type=Path, default=TOP / "benchmarks" / "work", metavar="DIR",
        help="where to build the data (default: benchmarks/work)",
    )  # fmt: skip
    parser.add_argument("--write-docs", action="store_true", help="fill docs/benchmarks.md")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        status = main()
    except KeyboardInterrupt:
        say("interrupted")
        status = 130
    except BenchmarkError as error:
        say(f"error: {error}")
        status = 2
    sys.exit(status)
