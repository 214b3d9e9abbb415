"""What is known of datasets that somebody names."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import NotFoundError
from ..model.names import Target
from ..progress import SILENT, Progress
from .describe import Describer, Description
from .selection import select
from .session import Session


def describe_targets(
    session: Session,
    targets: Sequence[Target],
    *,
    ask_remotes: bool = False,
    progress: Progress = SILENT,
) -> list[Description]:
    """Describe datasets and packages, withdrawn ones too.

    Parameters
    ----------
    session : Session
        The registry.
    targets : sequence of Target
        Which.
    ask_remotes : bool
        Whether to ask the remotes for what only they know.
    progress : Progress
        Told about the transfer.

    Raises
    ------
    NotFoundError
        If there is no such version or part.
    """
    descriptions = []
    describer = Describer(session, ask_remotes=ask_remotes, progress=progress)
    for target in targets:
        selection = None
        kept = any(each.md5 for each in target.item.versions)
        if target.item.pointer is not None or target.version is not None or kept:
            selection = select(session.reader, target, allow_withdrawn=True)
        elif target.part is not None:
            raise NotFoundError(
                f"{target.item.name} has no part {target.part!r}: it is kept outside DVC"
            )
        description = describer.describe(target.item, selection)
        if selection is not None and target.item.kind == "package":
            from .outdated import find_outdated  # not for datasets

            files = description.files if selection.part is None else None
            description.outdated = find_outdated(session, selection, files)
        descriptions.append(description)
    return descriptions
