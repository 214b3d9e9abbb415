"""Pushing a branch and opening its pull request: by git, and by GitHub's program where it is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ..errors import CredentialsError, NeurogisterError, NotFoundError
from .gitprogram import Git, check_argument, redacted

_GITHUB = re.compile(
    r"\A(?:https://(?:[^@/]*@)?|ssh://git@|git@)(?P<host>github\.com)[:/]"
    r"(?P<owner>[A-Za-z0-9-]+)/(?P<name>[A-Za-z0-9._-]+?)(?:\.git)?/?\Z"
)
_URL = re.compile(r"https://\S+")
_SECONDS = 120
_BASES = ("upstream/HEAD", "upstream/main", "origin/HEAD", "origin/main", "origin/master")


class Fork:
    """A checkout from which branches are pushed, and pull requests opened.

    Parameters
    ----------
    folder : Path
        The top of the work tree.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._git = Git(folder)

    def remote(self, name: str | None) -> str:
        """Return the git remote that branches are pushed to.

        Parameters
        ----------
        name : str, optional
            Which; else as git's ``remote.pushDefault`` says, or ``origin``.

        Raises
        ------
        NotFoundError
            If there is no such remote.
        """
        chosen = name or self._setting("remote.pushDefault") or "origin"
        if self._setting(f"remote.{check_argument(chosen, 'name of a remote')}.url") is None:
            raise NotFoundError(
                f"git has no remote {chosen!r} to push the branch to",
                hint=f"`git remote add {chosen} URL-OF-YOUR-FORK`, or `--push-to REMOTE`.",
            )
        return chosen

    def push(self, remote: str, branch: str) -> None:
        """Push a branch; that it is there already is no error.

        Raises
        ------
        CredentialsError, NetworkError, NotFoundError
            If the remote does not take it.
        """
        ref = f"refs/heads/{branch}"
        code, _, complaint = self._git.attempt(
            "push", "--quiet", "--set-upstream", remote, f"{ref}:{ref}", network=True
        )
        if code == 0:
            return
        error = self._git.error(complaint, "push")
        if isinstance(error, CredentialsError):
            hint = "Make a fork that you may write (`gh repo fork --remote`), and `--push-to` it."
            raise CredentialsError(error.message, hint=hint)
        raise error

    def login(self) -> str | None:
        """Return who the contributor is at the host; None if nobody knows."""
        if (known := self._setting("github.user")) is not None:
            return known
        if shutil.which("gh"):
            code, output = self._gh("api", "user", "--jq", ".login")
            if code == 0 and output.strip():
                return output.strip()
        for name in ("remote.origin.pushurl", "remote.origin.url"):
            if found := _GITHUB.match(self._setting(name) or ""):
                return found["owner"]
        return None

    def messages(self, word: str) -> list[str]:
        """Return the messages, with a word in them, of the commits that are only on this branch."""
        bases = [each for each in _BASES if self._has(f"refs/remotes/{each}")]
        without = [f"^refs/remotes/{bases[0]}"] if bases else ["--max-count=20"]
        output = self._git.run(
            "log", "-z", "--fixed-strings", f"--grep={word}", "--format=%B", "HEAD", *without, "--"
        )
        return [each for each in output.decode("utf-8", "replace").split("\0") if each.strip()]

    def note(self, message: str) -> None:
        """Make a commit that only says something."""
        self._git.run("commit", "--quiet", "--allow-empty", "--only", "-m", message)

    def open_request(self, remote: str, branch: str, *, title: str, body: str) -> str | None:
        """Open the pull request of a branch; return its address, None without GitHub's program.

        One that is open already is left as it is.

        Parameters
        ----------
        remote, branch : str
            The git remote, and the branch that it has.
        title, body : str
            What the request says.

        Raises
        ------
        NeurogisterError
            If GitHub does not take it.
        """
        if shutil.which("gh") is None:
            return None
        ours = _GITHUB.match(self._setting(f"remote.{remote}.url") or "")
        head = f"{ours['owner']}:{branch}" if ours else branch  # of a fork, gh wants its owner
        code, output = self._gh("pr", "view", head, "--json", "url", "--jq", ".url")
        if code == 0 and (found := _URL.search(output)):
            return found[0]
        code, output = self._gh(
            "pr", "create", "--head", head, "--title", title, "--body-file", "-", text=body
        )
        found = _URL.search(output)
        if code != 0 or found is None:
            lines = [line for line in output.splitlines() if line.strip()]
            raise NeurogisterError(
                f"gh did not open the pull request: {redacted(lines[-1][:300]) if lines else code}",
                hint=f"The branch is pushed. `gh pr create --head {head}` tries again, as does"
                " the same command.",
            )
        return found[0]

    def address(self, remote: str, branch: str) -> str | None:
        """Return where a pull request can be opened by hand, if the host is GitHub."""
        ours = _GITHUB.match(self._setting(f"remote.{remote}.url") or "")
        theirs = _GITHUB.match(self._setting("remote.upstream.url") or "") or ours
        if ours is None or theirs is None:
            return None
        top = f"https://github.com/{theirs['owner']}/{theirs['name']}"
        return f"{top}/compare/{ours['owner']}:{branch}?expand=1"

    def _setting(self, name: str) -> str | None:
        code, output, _ = self._git.attempt("config", "--get", name)
        return output.decode("utf-8", "replace").strip() or None if code == 0 else None

    def _has(self, ref: str) -> bool:
        code, _, _ = self._git.attempt("rev-parse", "--verify", "--quiet", ref)
        return code == 0

    def _gh(self, *arguments: str, text: str = "") -> tuple[int, str]:
        """Run GitHub's program, which may ask nobody anything."""
        return _run(["gh", *arguments], self._folder, text)


def _run(command: Sequence[str], folder: Path, text: str) -> tuple[int, str]:
    try:
        done = subprocess.run(
            command, cwd=folder, input=text, capture_output=True, encoding="utf-8",
            errors="replace", timeout=_SECONDS, check=False,
            env=os.environ | {"GH_PROMPT_DISABLED": "1", "NO_COLOR": "1"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, type(error).__name__
    return done.returncode, f"{done.stdout}\n{done.stderr}"
