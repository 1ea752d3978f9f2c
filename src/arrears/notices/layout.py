"""The one layout of every mail: MJML, compiled to HTML when the texts are loaded, with its placeholders left for each
message to fill. What is wrong with it comes out then, not on the day of the first message."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Final

import mjml

from arrears.notices.templates import PageTemplate, check_page, refused
from arrears.notices.texts import read_text

LAYOUT_NAME: Final = "layout.mjml"

_BLOCK_ENDS: Final = re.compile(
    r"(</(?:td|tr|table|tbody|thead|tfoot|div|p|h1|ul|ol|li|head|style|caption)>|<!\[endif\]-->)(?!\s)"
)

LAYOUT_VARIABLES: Final = (
    frozenset({"language", "direction", "start", "end", "subject", "preheader", "operator", "heading", "greeting"})
    | {
        "paragraphs",
        "checks_heading",
        "checks",
        "actions_heading",
        "actions",
        "next",
        "button",
        "link",
        "table",
        "notes",
    }
    | {"help", "link_intro", "footer"}
)
"""What the layout may use: pieces of text; lists of them (`paragraphs`, `checks`, `actions`, `next`, `notes`,
`footer`); `direction`, ltr or rtl, with `start` and `end`, left and right or the other way; and `table`, none or
with `caption`, `invoice`, `due`, `open` and `total` (headings), `rows` (`number`, `services`, `due`, `open`) and
`totals`."""


def load_layout(folder: Path | None) -> PageTemplate:
    """The operator's layout if the folder has one, else ours, compiled. Refuses `bad_template`."""
    own = folder / LAYOUT_NAME if folder else None
    if own is not None and own.is_file():
        source = read_text(own)
    else:
        source = (resources.files("arrears.notices") / LAYOUT_NAME).read_text(encoding="utf-8")
    # Before it is compiled, since only here the lines are those of the file.
    check_page(source, LAYOUT_NAME, LAYOUT_VARIABLES)
    return PageTemplate(compiled(source), LAYOUT_NAME)


@lru_cache(maxsize=8)
def compiled(source: str) -> str:
    """The layout as HTML that still has its placeholders. Refuses `bad_template` for what is not MJML."""
    try:
        # No fonts: each would be fetched from a stranger's server, and tell it who opened the mail.
        html: str = mjml.mjml2html(source, fonts={})
    except (ValueError, TypeError, OSError) as error:
        raise refused(LAYOUT_NAME, f"is not MJML: {error}") from error
    # Lines of mail have at most 998 octets; without these ends, each mail would be encoded anew, byte for byte.
    return _BLOCK_ENDS.sub(r"\1\n", html)
