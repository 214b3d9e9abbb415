"""The results: for a terminal, for programs, and for the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .bench import TOP
from .model import Result, Summary

DOCUMENT = TOP / "docs" / "benchmarks.md"
BEGIN = "<!-- results: written by `python -m benchmarks --write-docs`, do not edit -->"
END = "<!-- end of results -->"
FORMAT = "neurogister.benchmarks/1"


@dataclass(frozen=True, slots=True)
class Report:
    """One run of the benchmarks."""

    machine: Mapping[str, str]
    scale: float
    repeats: int
    results: Sequence[Result]

    @property
    def judged(self) -> bool:
        """Whether bars count: they are made for the full scale."""
        return self.scale >= 1

    @property
    def passed(self) -> bool:
        """Whether nothing failed, and no bar was missed."""
        return not any(
            result.failures or (self.judged and not all(each.met for each in result.verdicts))
            for result in self.results
        )


def as_text(result: Result, *, judged: bool) -> str:
    """Return one row for a terminal."""
    lines = [f"\n{result.row.name}: {result.row.title}"]
    lines += [f"    {result.note}"] if result.note else []
    lines += [_text_line(name, summary) for name, summary in result.contenders.items()]
    lines += [_text_line(f"floor: {name}", each) for name, each in result.floors.items()]
    for verdict in result.verdicts:
        word = "met   " if verdict.met else "MISSED"
        lines.append(f"  {word if judged else 'not judged'}  {verdict}")
    lines += [f"  FAILED  {failure}" for failure in result.failures]
    return "\n".join(lines)


def _text_line(name: str, summary: Summary) -> str:
    low, high = summary.spread
    return (
        f"  {name:<55} {summary.seconds:9.3f} s  ({low:.3f} to {high:.3f})"
        f"  cpu {summary.cpu:8.3f} s  {summary.peak / 1e6:6.0f} MB"
    )


def as_json(report: Report) -> dict[str, Any]:
    """Return everything that was measured."""
    return {
        "format": FORMAT,
        "machine": dict(report.machine),
        "scale": report.scale,
        "repeats": report.repeats,
        "passed": report.passed,
        "rows": [_row_shape(result) for result in report.results],
    }


def _row_shape(result: Result) -> dict[str, Any]:
    return {
        "name": result.row.name,
        "title": result.row.title,
        "note": result.note,
        "contenders": {name: _shape(each) for name, each in result.contenders.items()},
        "floors": {name: _shape(each) for name, each in result.floors.items()},
        "bars": [asdict(each) for each in result.verdicts],
        "failures": list(result.failures),
    }


def _shape(summary: Summary) -> dict[str, Any]:
    samples = [asdict(sample) for sample in summary.samples]
    for sample in samples:
        del sample["output"]
    return {"seconds": summary.seconds, "peak": summary.peak, "samples": samples}


def write_document(report: Report) -> None:
    """Put the results into the documentation, in place of the last ones."""
    text = DOCUMENT.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{DOCUMENT.name} has no block for results")
    block = "\n".join(_markdown(report))
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{block}\n\n{END}{after}", "utf-8")


def _markdown(report: Report) -> Iterator[str]:
    yield f"Scale {report.scale:g}, {report.repeats} rounds or more."
    yield ""
    yield from _table(["machine", ""], [[*fact] for fact in report.machine.items()])
    yield ""
    yield "### Bars"
    yield ""
    yield from _table(["row", "figure", "bar", "measured", "met"], _bar_rows(report))
    yield ""
    yield "### Times"
    yield ""
    yield "Medians, with the fastest and the slowest run; the *floor* is what a part costs alone."
    yield ""
    columns = ["row", "contender", "seconds", "spread", "processor", "peak memory"]
    yield from _table(columns, _time_rows(report))
    for result in report.results:
        if result.note:
            yield from ("", f"`{result.row.name}`: {result.note}")


def _bar_rows(report: Report) -> Iterator[list[str]]:
    for result in report.results:
        for verdict in result.verdicts:
            met = ("yes" if verdict.met else "**no**") if report.judged else "not judged"
            row = f"`{result.row.name}`"
            yield [row, verdict.what, verdict.bar, verdict.figure, met]
        for failure in result.failures:
            yield [f"`{result.row.name}`", failure.partition(":")[0], "", "failed", "**no**"]


def _time_rows(report: Report) -> Iterator[list[str]]:
    for result in report.results:
        for name, summary in result.contenders.items():
            yield [f"`{result.row.name}`", name, *_cells(summary)]
        for name, summary in result.floors.items():
            yield [f"`{result.row.name}`", f"*floor: {name}*", *_cells(summary)]


def _cells(summary: Summary) -> list[str]:
    low, high = summary.spread
    peak = f"{summary.peak / 1e6:.0f} MB"
    return [f"{summary.seconds:.3f}", f"{low:.3f} to {high:.3f}", f"{summary.cpu:.2f} s", peak]


def _table(header: list[str], rows: Iterator[list[str]] | list[list[str]]) -> Iterator[str]:
    yield _line(header)
    yield _line(["---"] * len(header))
    yield from (_line(row) for row in rows)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
