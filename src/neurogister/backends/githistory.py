"""What a git repository knows of its past: commits, what they touched, what they said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .gitprogram import Git
from .gitvalues import LOG_FORMAT, Commit, parse_log, parse_log_paths, parse_touched

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD = "HEAD^{commit}"
_LITERALLY = {"GIT_LITERAL_PATHSPECS": "1"}


class History:
    """The part of a `Repository` that looks back.

    Parameters
    ----------
    git : Git
        The program, bound to it.
    offline : bool
        Whether the network may not be used.
    """

    git: Git
    offline: bool

    def find_head(self) -> str | None:
        """Return the commit of ``HEAD``; None if there is none yet."""
        code, output, _ = self.git.attempt("rev-parse", "--verify", "--quiet", _HEAD)
        return output.decode().strip() if code == 0 else None

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the newest commit that two others came from; None if they have none."""
        code, output, complaint = self.git.attempt("merge-base", one, other)
        if code > 1:
            raise self.git.error(complaint, "merge-base")
        return output.decode("ascii").strip() or None

    def list_tips(self) -> list[str]:
        """List what all branches, tags, remote branches and ``HEAD`` stand on."""
        output = self.git.run("for-each-ref", "--format=%(objectname)").decode("ascii")
        return list(dict.fromkeys(tip for tip in (*output.split("\n"), self.find_head()) if tip))

    def touched(self, known: Sequence[str], tip: str | None = None) -> list[tuple[str, str]]:
        """List the files that any commit of any branch brought, changed or removed.

        Parameters
        ----------
        known : sequence of str
            Commits that are left out, with all that they came from.
        tip : str, optional
            The commit whose history it is; without one, that of all branches.

        Returns
        -------
        list of (str, str)
            Blob and path, of what each commit found and of what it left.
        """
        if tip is not None:
            tips = [tip]
        else:
            tips = ["--all", *(["HEAD"] if self.find_head() is not None else [])]
        # with --stdin, no number of branches is too long for a command line
        output = self.git.run(
            "log", "-z", "-m", "--root", "--raw", "--no-renames", "--no-abbrev", "--format=",
            *tips, "--stdin",
            stdin="".join(f"^{oid}\n" for oid in known).encode(),
            network=not self.offline,
        )  # fmt: skip
        return list(dict.fromkeys(parse_touched(output)))

    def single_states(self, commit: str, pattern: str) -> dict[str, Commit]:
        """Find the files that history has in one state only, in one go over all of it.

        Parameters
        ----------
        commit : str
            Where to look back from.
        pattern : str
            Which files: ``*.dvc``.

        Returns
        -------
        dict of str to Commit
            By path, the commit that brought each. Files with several states are left out.
        """
        output = self.git.run(
            "log", "-z", "-c", "--raw", "--no-renames", "--no-abbrev", "--encoding=UTF-8",
            LOG_FORMAT, commit, "--", pattern,
            network=not self.offline,
        )  # fmt: skip
        found: dict[str, list[Commit]] = {}
        for path, each in parse_log_paths(output):
            if each.blob is not None:
                found.setdefault(path, []).append(each)
        return {
            path: commits[-1]  # the newest comes first
            for path, commits in found.items()
            if len({each.blob for each in commits}) == 1
        }

    def messages(self, commit: str, since: str | None, word: str, *, most: int = 200) -> list[str]:
        """Return the messages of commits that have a word in them, the newest first.

        Parameters
        ----------
        commit : str
            With what it came from.
        since : str, optional
            A commit that is left out, with all that it came from.
        word : str
            Which.
        most : int
            How many at most.
        """
        without = [f"^{since}"] if since is not None else []
        output = self.git.run(
            "log", "-z", "--fixed-strings", f"--grep={word}", f"--max-count={most}",
            "--encoding=UTF-8", "--format=%B", commit, *without, "--",
            network=not self.offline,
        )  # fmt: skip
        return [each for each in output.decode("utf-8", "replace").split("\0") if each.strip()]

    def log(self, commit: str, path: str) -> list[Commit]:
        """List the commits that changed a file, the oldest first."""
        output = self.git.run(
            "log", "-z", "-c", "--raw", "--no-renames", "--no-abbrev", "--encoding=UTF-8",
            LOG_FORMAT, commit, "--", path,
            network=not self.offline, environment=_LITERALLY,
        )  # fmt: skip
        return list(reversed(list(parse_log(output))))
