"""Make the auditory stimuli of the reference registry.

Pure tones, an amplitude-modulated tone, a frequency sweep and white noise, as mono 16-bit WAV files
at 44.1 kHz. The same bytes on every machine: phases are whole numbers until the last step, the sine
is computed here (the one of the C library differs between systems in its last bit), and the noise
has a fixed seed. Only the standard library is needed::

    python scripts/make_stimuli.py FOLDER

The sounds are in the public domain (CC0-1.0).
"""

import random
import struct
import sys
import wave
from collections.abc import Callable, Iterable
from math import pi
from pathlib import Path

SAMPLING_RATE_HZ = 44_100
PEAK = 16_384  # half of full scale, about -6 dBFS
RAMP_SAMPLES = SAMPLING_RATE_HZ // 100  # 10 ms
NOISE_SEED = 20_261_121

SINE_COEFFICIENTS = (  # 1/1!, -1/3!, 1/5!, … -1/19!
    1.0,
    -1 / 6,
    1 / 120,
    -1 / 5_040,
    1 / 362_880,
    -1 / 39_916_800,
    1 / 6_227_020_800,
    -1 / 1_307_674_368_000,
    1 / 355_687_428_096_000,
    -1 / 121_645_100_408_832_000,
)


def make_stimuli(folder: Path) -> list[Path]:
    """Write all stimuli into a folder.

    Parameters
    ----------
    folder : Path
        Where to write; made if it is missing.

    Returns
    -------
    list of Path
        The files, in the order in which they were written.
    """
    written = []
    for name, make_samples in STIMULI.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(path, make_samples())
        written.append(path)
    return written


def make_tone(frequency_hz: int, *, milliseconds: int) -> list[float]:
    """Make a pure tone with soft edges.

    Parameters
    ----------
    frequency_hz : int
        Its frequency.
    milliseconds : int
        How long it lasts.

    Returns
    -------
    list of float
        Samples from -1 to 1.
    """
    count = _count_samples(milliseconds)
    return with_ramps(
        [_sine(n * frequency_hz % SAMPLING_RATE_HZ, SAMPLING_RATE_HZ) for n in range(count)]
    )


def make_modulated_tone(carrier_hz: int, *, modulator_hz: int, milliseconds: int) -> list[float]:
    """Make a tone whose amplitude swings fully between nothing and its peak.

    Parameters
    ----------
    carrier_hz : int
        The frequency that is heard.
    modulator_hz : int
        How often in a second the amplitude rises and falls.
    milliseconds : int
        How long it lasts.

    Returns
    -------
    list of float
        Samples from -1 to 1.
    """
    samples = []
    for n in range(_count_samples(milliseconds)):
        carrier = _sine(n * carrier_hz % SAMPLING_RATE_HZ, SAMPLING_RATE_HZ)
        half_swing = _sine(n * modulator_hz % (2 * SAMPLING_RATE_HZ), 2 * SAMPLING_RATE_HZ)
        samples.append(carrier * half_swing * half_swing)
    return samples


def make_sweep(start_hz: int, *, end_hz: int, milliseconds: int) -> list[float]:
    """Make a tone whose frequency rises evenly in time, with soft edges.

    Parameters
    ----------
    start_hz : int
        The frequency at the beginning.
    end_hz : int
        The frequency at the end.
    milliseconds : int
        How long it lasts.

    Returns
    -------
    list of float
        Samples from -1 to 1.
    """
    count = _count_samples(milliseconds)
    turn = 2 * count * SAMPLING_RATE_HZ
    return with_ramps(
        [
            _sine((2 * count * start_hz * n + (end_hz - start_hz) * n * n) % turn, turn)
            for n in range(count)
        ]
    )


def make_noise(*, milliseconds: int) -> list[float]:
    """Make white noise: independent samples, all values equally likely.

    Parameters
    ----------
    milliseconds : int
        How long it lasts.

    Returns
    -------
    list of float
        Samples from -1 to 1, the same ones on every call.
    """
    source = random.Random(NOISE_SEED)
    return [2 * source.random() - 1 for _ in range(_count_samples(milliseconds))]


def with_ramps(samples: list[float]) -> list[float]:
    """Let a sound begin and end softly, over 10 ms each, so that nothing clicks.

    Parameters
    ----------
    samples : list of float
        The sound.

    Returns
    -------
    list of float
        The sound with raised-cosine ramps.
    """
    last = len(samples) - 1
    ramped = []
    for n, sample in enumerate(samples):
        step = min(n, last - n, RAMP_SAMPLES)
        rise = _sine(step, 4 * RAMP_SAMPLES)
        ramped.append(sample * rise * rise)
    return ramped


def write_wav(path: Path, samples: Iterable[float]) -> None:
    """Write samples as a mono 16-bit WAV file.

    Parameters
    ----------
    path : Path
        The file.
    samples : iterable of float
        Samples from -1 to 1.
    """
    levels = [round(sample * PEAK) for sample in samples]
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLING_RATE_HZ)
        sound.writeframes(struct.pack(f"<{len(levels)}h", *levels))


def _count_samples(milliseconds: int) -> int:
    return SAMPLING_RATE_HZ * milliseconds // 1000


def _sine(part: int, turn: int) -> float:
    """Sine of a part of a full turn, from sums and products alone: the same bits everywhere."""
    if 2 * part > turn:
        return -_sine(2 * part - turn, 2 * turn)
    if 4 * part > turn:
        part, turn = turn - 2 * part, 2 * turn
    angle = 2 * pi * (part / turn)
    square = angle * angle
    total = 0.0
    for coefficient in reversed(SINE_COEFFICIENTS):
        total = total * square + coefficient
    return total * angle


STIMULI: dict[str, Callable[[], list[float]]] = {
    "tone-440hz.wav": lambda: make_tone(440, milliseconds=500),
    "tone-1000hz.wav": lambda: make_tone(1_000, milliseconds=500),
    "tone-1000hz-am-4hz.wav": lambda: make_modulated_tone(
        1_000, modulator_hz=4, milliseconds=1_000
    ),
    "sweep-100hz-8000hz.wav": lambda: make_sweep(100, end_hz=8_000, milliseconds=1_000),
    "noise-white-1.wav": lambda: make_noise(milliseconds=500),
    "noise-white-2.wav": lambda: with_ramps(make_noise(milliseconds=500)),
    "tone-ladder/low/125hz.wav": lambda: make_tone(125, milliseconds=250),
    "tone-ladder/low/250hz.wav": lambda: make_tone(250, milliseconds=250),
    "tone-ladder/low/500hz.wav": lambda: make_tone(500, milliseconds=250),
    "tone-ladder/high/1000hz.wav": lambda: make_tone(1_000, milliseconds=250),
    "tone-ladder/high/2000hz.wav": lambda: make_tone(2_000, milliseconds=250),
    "tone-ladder/high/4000hz.wav": lambda: make_tone(4_000, milliseconds=250),
    "tone-ladder/high/8000hz.wav": lambda: make_tone(8_000, milliseconds=250),
}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python scripts/make_stimuli.py FOLDER")
    for stimulus in make_stimuli(Path(sys.argv[1])):
        print(stimulus)
