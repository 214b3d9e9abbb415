"""What happens besides what MkDocs does: to a page before, to the site afterwards."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FENCE = re.compile(r"^( *```[a-z]+) [^\n`]+$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Take the words for `tests/docs` away from fences: Markdown would not see a fence."""
    return _FENCE.sub(r"\1", markdown)


def on_post_build(config: Mapping[str, Any], **_: Any) -> None:
    """Publish the schemas with the site: their `$id` are its addresses."""
    target = Path(config["site_dir"]) / "schemas"
    target.mkdir(parents=True, exist_ok=True)
    for schema in sorted((Path(__file__).parent.parent / "schemas").glob("*.schema.json")):
        shutil.copyfile(schema, target / schema.name)
