"""The one layout of every mail: MJML, compiled to HTML once, with its placeholders left for each message to fill.

Compiling takes a thousand times as long as filling, so it happens when the texts are loaded and never again.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Final

import mjml

from arrears.notices.templates import PageTemplate, refused
from arrears.notices.texts import read_text

LAYOUT_NAME: Final = "layout.mjml"

LAYOUT_VARIABLES: Final = frozenset(
    {"language", "direction", "subject", "operator", "preheader", "heading", "greeting", "paragraphs", "cuts", "table"}
    | {"next", "checks_heading", "checks", "button", "notes", "link", "link_intro", "help", "footer"}
)
"""What the layout may use: pieces of text; lists of them (`paragraphs`, `cuts`, `next`, `checks`, `notes`, `footer`);
and `table`, none or with `caption`, `invoice`, `due`, `open` and `total` (headings), `rows` (`number`, `services`,
`due`, `open`) and `totals`."""


def load_layout(folder: Path | None) -> PageTemplate:
    """The operator's layout if the folder has one, else ours, compiled. Refuses `bad_template`."""
    own = folder / LAYOUT_NAME if folder else None
    if own is not None and own.is_file():
        return PageTemplate(compile_layout(read_text(own)), LAYOUT_NAME, LAYOUT_VARIABLES)
    ours = (resources.files("arrears.notices") / LAYOUT_NAME).read_text(encoding="utf-8")
    return PageTemplate(compile_layout(ours), LAYOUT_NAME, LAYOUT_VARIABLES)


@lru_cache(maxsize=8)
def compile_layout(source: str) -> str:
    """The layout as HTML that still has its placeholders. Refuses `bad_template` for what is not MJML."""
    try:
        # No fonts: each would be fetched from a stranger's server, and tell it who opened the mail.
        html: str = mjml.mjml2html(source, fonts={})
    except (ValueError, TypeError, OSError) as error:
        raise refused(LAYOUT_NAME, f"is not MJML: {error}") from error
    return html
