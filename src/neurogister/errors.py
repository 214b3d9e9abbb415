"""Every error raised on purpose, each with the next step as its hint."""

from __future__ import annotations

from collections.abc import Sequence


class NeurogisterError(Exception):
    """What went wrong, in one sentence, and what to do next.

    Parameters
    ----------
    message : str
        One sentence that names the thing and the reason.
    hint : str, optional
        What to do next: a command to type, a file to mend.

    Attributes
    ----------
    code : str
        A stable name of the kind of error, for ``--json`` and scripts.
    """

    code = "error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        if hint:
            self.add_note(hint)

    @property
    def message(self) -> str:
        """The sentence, without the hint."""
        return str(self.args[0])


class UsageError(NeurogisterError, ValueError):
    """The call itself makes no sense: contradicting options, a name that cannot be one."""

    code = "usage"


class NotFoundError(NeurogisterError, LookupError):
    """Nothing goes by that name, or a remote does not hold the object."""

    code = "not-found"


class IntegrityError(NeurogisterError, ValueError):
    """Bytes are not what the record says."""

    code = "verification-failed"


class InvalidFileError(NeurogisterError, ValueError):
    """A file of a registry (a pointer, a listing, YAML) breaks the rules of its format."""

    code = "invalid-file"


class NetworkError(NeurogisterError, ConnectionError):
    """The network or a server failed; trying again may help.

    Parameters
    ----------
    message, hint : str
        As for every error.
    temporary : bool
        Whether trying again by itself can help (a refused connection, status 503, a stall).
    retry_after : float, optional
        Seconds that the server asked us to wait.
    """

    code = "network"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        temporary: bool = True,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.temporary = temporary
        self.retry_after = retry_after


class CredentialsError(NeurogisterError, PermissionError):
    """A remote wants credentials, or does not accept those that it got."""

    code = "credentials"


class RefusedError(NeurogisterError):
    """Against policy or safety: a withdrawn dataset, a user's changed file, a path that escapes."""

    code = "refused"


class NoSpaceError(NeurogisterError, OSError):
    """The disk is full, or would be."""

    code = "no-space"


class OfflineError(NeurogisterError):
    """Not in the cache, and we may not (or cannot) ask the network."""

    code = "offline"


class OnTapeError(NeurogisterError):
    """The only copies are on an archive that is not online."""

    code = "on-tape"


class MissingExtraError(NeurogisterError, ImportError):
    """An optional part of neurogister is not installed."""

    code = "missing-extra"

    @classmethod
    def of(cls, extra: str, purpose: str) -> MissingExtraError:
        """Say which extra is missing and how to install it.

        Parameters
        ----------
        extra : str
            Its name, as ``dvc``.
        purpose : str
            What it is needed for, as the start of the sentence.
        """
        return cls(
            f"{purpose} needs the optional part '{extra}', which is not installed",
            hint=f"pip install 'neurogister[{extra}]'",
        )


class SeveralErrors(NeurogisterError):  # noqa: N818 - there are several
    """Some of many things failed; the others were done.

    Parameters
    ----------
    message : str
        How many of how many.
    errors : list of NeurogisterError
        Each failure.
    hint : str, optional
        What to do next.
    """

    code = "several"

    def __init__(
        self, message: str, errors: list[NeurogisterError], *, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.errors = errors


def collect_errors(errors: Sequence[NeurogisterError], total: int) -> NeurogisterError:
    """Return one error for several, or the only one itself."""
    if len(errors) == 1:
        return errors[0]
    return SeveralErrors(f"{len(errors)} of {total} could not be done", list(errors))
