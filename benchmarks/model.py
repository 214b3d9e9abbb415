"""What a benchmark is: rows, in which contenders do the same work, and bars for what they need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .bench import Bench

US = "neurogister"


class BenchmarkError(Exception):
    """A contender could not be run, or did not deliver what it should."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One timed run.

    Parameters
    ----------
    seconds : float
        By the clock on the wall, from start to end of the process.
    cpu : float
        Seconds of all processors, of the process and its children.
    peak : int
        The most memory, in bytes, of the process or the largest of its children.
    output : str
        What it wrote to standard output.
    """

    seconds: float
    cpu: float = 0.0
    peak: int = 0
    output: str = field(default="", repr=False)


Act = Callable[[], Sample]


def nothing() -> None:
    """Do nothing."""


def accept(sample: Sample) -> None:
    """Take any result for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to do the work of a row; only ``act`` is timed.

    Parameters
    ----------
    name : str
        As printed, and as bars refer to it.
    act : callable
        Does the work once.
    prepare : callable
        Makes the state that the work starts from.
    check : callable
        Raises `BenchmarkError` if the result is wrong.
    clean : callable
        Takes away what the work left behind.
    """

    name: str
    act: Act
    prepare: Callable[[], None] = nothing
    check: Callable[[Sample], None] = accept
    clean: Callable[[], None] = nothing


@dataclass(frozen=True, slots=True)
class Trial:
    """A row that is ready to run, for as long as its servers do.

    Parameters
    ----------
    contenders : sequence of Contender
        Run alternately.
    floors : sequence of Contender
        What a part of the work costs alone; run alternately too.
    note : str
        What a reader has to know.
    """

    contenders: Sequence[Contender]
    floors: Sequence[Contender] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """Some samples of one contender."""

    samples: Sequence[Sample]

    @property
    def seconds(self) -> float:
        """The median."""
        return median(sample.seconds for sample in self.samples)

    @property
    def cpu(self) -> float:
        """The median."""
        return median(sample.cpu for sample in self.samples)

    @property
    def spread(self) -> tuple[float, float]:
        """The fastest and the slowest."""
        seconds = [sample.seconds for sample in self.samples]
        return min(seconds), max(seconds)

    @property
    def peak(self) -> int:
        """The largest."""
        return max(sample.peak for sample in self.samples)


Summaries = Mapping[str, Summary]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a bar.

    Parameters
    ----------
    what : str
        Whose figure it is, and of what.
    bar : str
        What it should be.
    measured : float, optional
        What it is; None if a contender failed.
    met : bool
        Whether that is as it should be.
    """

    what: str
    bar: str
    measured: float | None
    met: bool

    @property
    def figure(self) -> str:
        """What was measured, with three digits that count."""
        if self.measured is None:
            return "not measured"
        decimals = 2 if self.measured < 10 else 1 if self.measured < 100 else 0
        return f"{self.measured:.{decimals}f}"

    def __str__(self) -> str:
        return f"{self.what}: {self.figure} (bar: {self.bar})"


class Bar(Protocol):
    """Something that must hold."""

    def judge(self, summaries: Summaries) -> Verdict:
        """Say whether it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimesFaster:
    """A peer takes at least so many times as long."""

    least: float
    than: str
    who: str = US

    def judge(self, summaries: Summaries) -> Verdict:
        """Compare the medians."""
        ratio = _ratio(summaries, self.than, self.who)
        met = ratio is not None and ratio >= self.least
        return Verdict(f"{self.who}, times as fast as {self.than}", f"≥ {self.least:g}", ratio, met)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtMostTimes:
    """It takes at most so many times as long as a peer."""

    most: float
    of: str
    who: str = US

    def judge(self, summaries: Summaries) -> Verdict:
        """Compare the medians."""
        ratio = _ratio(summaries, self.who, self.of)
        return _at_most(f"{self.who}, its time divided by that of {self.of}", self.most, ratio)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtMostSeconds:
    """It takes at most so long."""

    most: float
    who: str = US

    def judge(self, summaries: Summaries) -> Verdict:
        """Look at the median."""
        seconds = summaries[self.who].seconds if self.who in summaries else None
        return _at_most(f"{self.who}, seconds", self.most, seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtMostMemory:
    """It never needs more memory (of 1,000,000 bytes a MB)."""

    megabytes: float
    who: str = US

    def judge(self, summaries: Summaries) -> Verdict:
        """Look at the largest peak."""
        peak = summaries[self.who].peak / 1e6 if self.who in summaries else None
        return _at_most(f"{self.who}, MB of memory", self.megabytes, peak)


def _at_most(what: str, most: float, measured: float | None) -> Verdict:
    return Verdict(what, f"≤ {most:g}", measured, measured is not None and measured <= most)


def _ratio(summaries: Summaries, above: str, below: str) -> float | None:
    if above not in summaries or below not in summaries:
        return None
    return summaries[above].seconds / summaries[below].seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the speed budget.

    Parameters
    ----------
    name : str
        As given to ``--only``.
    title : str
        What work it is.
    open : callable
        Builds what is missing in the work folder, starts the servers, and gives the contenders.
    bars : sequence of Bar
        None: the row informs only.
    least_repeats : int
        For work so short that a few runs say nothing.
    """

    name: str
    title: str
    open: Callable[[Bench], AbstractContextManager[Trial]]
    bars: Sequence[Bar] = ()
    least_repeats: int = 1


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured in a row."""

    row: Row
    contenders: Summaries
    floors: Summaries
    note: str = ""
    failures: Sequence[str] = ()

    @property
    def verdicts(self) -> list[Verdict]:
        """What came of each bar."""
        return [bar.judge(self.contenders) for bar in self.row.bars]
