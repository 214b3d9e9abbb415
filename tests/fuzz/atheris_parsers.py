"""Fuzz one parser, led by coverage, for a minute: `pip install atheris`, then

python -m tests.fuzz.atheris_parsers TARGET -max_total_time=60 -rss_limit_mb=500 -timeout=5
"""

import sys
import tempfile
from pathlib import Path

import atheris


def main() -> None:
    """Take the name of a target; the rest is libFuzzer's."""
    with atheris.instrument_imports(include=["neurogister"]):
        from tests.fuzz.targets import SEEDS, TARGETS
    name = sys.argv.pop(1)
    with tempfile.TemporaryDirectory() as corpus:
        (Path(corpus) / "seed").write_bytes(SEEDS[name])
        atheris.Setup([*sys.argv, corpus], TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
