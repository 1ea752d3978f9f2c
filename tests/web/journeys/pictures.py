"""Pictures of pages, small enough to be kept with the sources."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

from playwright.sync_api import Page

BYTES_MAX: Final = 80_000
COLOURS: Final = 64
"""Pages have few; more would only draw the edges of letters more finely."""


def keep(page: Page, path: Path, *, whole: bool = True) -> None:
    """The page as PNG, or what is seen of it first, with a palette where Pillow is there to make one."""
    octets = page.screenshot(full_page=whole, animations="disabled", caret="hide")
    try:
        from PIL import Image
    except ImportError:
        pass
    else:
        small = io.BytesIO()
        image = Image.open(io.BytesIO(octets)).convert("RGB")
        image.quantize(COLOURS, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
        octets = small.getvalue()
    assert len(octets) < BYTES_MAX, f"{path.name} has {len(octets)} bytes"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)
