"""Running a row: every contender once in each round, alternately."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .bench import Bench, say
from .model import BenchmarkError, Contender, Result, Row, Sample, Summaries, Summary, Trial


def run_row(row: Row, bench: Bench, repeats: int) -> Result:
    """Measure a row.

    Parameters
    ----------
    row : Row
        What to measure.
    bench : Bench
        Where.
    repeats : int
        The number of rounds.

    Returns
    -------
    Result
        A contender that failed has no summary, but a line in ``failures``.
    """
    try:
        with row.open(bench) as trial:
            return _Rounds(row, trial).run(max(repeats, row.least_repeats))
    except BenchmarkError as error:
        return Result(row, {}, {}, failures=[str(error)])


class _Rounds:
    def __init__(self, row: Row, trial: Trial) -> None:
        self._row = row
        self._trial = trial
        self._samples: dict[str, list[Sample]] = {}
        self._failures: dict[str, str] = {}

    def run(self, rounds: int) -> Result:
        for number in range(rounds):
            for contender in _rotated(self._trial.contenders, number):
                self._take(contender, f"{number + 1}/{rounds}")
            for floor in self._trial.floors:
                self._take(floor, f"{number + 1}/{rounds}")
        failures = [f"{name}: {reason}" for name, reason in self._failures.items()]
        return Result(
            self._row,
            self._summarise(self._trial.contenders),
            self._summarise(self._trial.floors),
            self._trial.note,
            failures,
        )

    def _take(self, contender: Contender, round_: str) -> None:
        if contender.name in self._failures:
            return
        try:
            sample = _measure(contender)
        except BenchmarkError as error:
            self._failures[contender.name] = str(error)
            say(f"{self._row.name} {round_} {contender.name}: {error}")
            return
        self._samples.setdefault(contender.name, []).append(sample)
        say(f"{self._row.name} {round_} {contender.name}: {sample.seconds:.3f} s")

    def _summarise(self, contenders: Sequence[Contender]) -> Summaries:
        return {
            each.name: Summary(self._samples[each.name])
            for each in contenders
            if each.name in self._samples and each.name not in self._failures
        }


def _rotated(contenders: Sequence[Contender], number: int) -> list[Contender]:
    start = number % len(contenders)
    return [*contenders[start:], *contenders[:start]]


def _measure(contender: Contender) -> Sample:
    contender.prepare()
    os.sync()  # what the one before has written must not slow the next down
    try:
        sample = contender.act()
        contender.check(sample)
    finally:
        contender.clean()
    return sample
