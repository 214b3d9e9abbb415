"""Runs dvc commands one after the other, so that dvc is imported once for all of them.

``python run_dvc.py '[["status"], ["pull", "NAME"]]'`` prints ``[[exit status, output], …]``.
"""

import json
import os
import sys
import tempfile


def main() -> None:
    answer = os.dup(1)
    results = [run(arguments) for arguments in json.loads(sys.argv[1])]
    os.write(answer, json.dumps(results).encode())


def run(arguments: list[str]) -> tuple[int, str]:
    from dvc.cli import main as dvc

    with tempfile.TemporaryFile() as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        status = dvc(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
        output.seek(0)
        return status, output.read().decode("utf-8", "replace")


if __name__ == "__main__":
    main()
