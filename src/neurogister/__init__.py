"""A Git/DVC-native data registry for neuroscience.

The names below are what a script may import; each is loaded when it is first used::

    import neurogister

    registry = neurogister.open("https://github.com/neurogister/neurogister")
    registry.pull("mni152/t1.nii.gz", into="data")
    folder = neurogister.fetch("neurogister/quickstart@1.0.0", registry=registry.url)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "open": "api",
    "fetch": "api",
    "pull_locked": "actions.locked",
    "open_lockfile": "lockfile",
    "init": "actions.init",
    "adopt": "actions.adopt",
    "Registry": "api",
    "Lockfile": "lockfile",
    "Dataset": "model.dataset",
    "Pulled": "actions.pull",
    "PullReport": "actions.pull",
    "Deposited": "actions.deposited",
    "DepositReport": "actions.deposited",
    "InitReport": "actions.founding",
    "Misfit": "actions.misfits",
    "Settings": "settings",
    "NeurogisterError": "errors",
    "UsageError": "errors",
    "NotFoundError": "errors",
    "IntegrityError": "errors",
    "InvalidFileError": "errors",
    "NetworkError": "errors",
    "CredentialsError": "errors",
    "RefusedError": "errors",
    "NoSpaceError": "errors",
    "OfflineError": "errors",
    "OnTapeError": "errors",
    "MissingExtraError": "errors",
    "SeveralErrors": "errors",
}

__all__ = ["__version__", *_HOMES]

if TYPE_CHECKING:
    from .actions.adopt import adopt
    from .actions.deposited import Deposited, DepositReport
    from .actions.founding import InitReport
    from .actions.init import init
    from .actions.locked import pull_locked
    from .actions.misfits import Misfit
    from .actions.pull import Pulled, PullReport
    from .api import Registry, fetch, open
    from .errors import (
        CredentialsError,
        IntegrityError,
        InvalidFileError,
        MissingExtraError,
        NetworkError,
        NeurogisterError,
        NoSpaceError,
        NotFoundError,
        OfflineError,
        OnTapeError,
        RefusedError,
        SeveralErrors,
        UsageError,
    )
    from .lockfile import Lockfile, open_lockfile
    from .model.dataset import Dataset
    from .settings import Settings


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
