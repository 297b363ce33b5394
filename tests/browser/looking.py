"""A page must fit its window, and the browser must have nothing to say against it."""

import os
from pathlib import Path

PICTURES = os.environ.get("BATON_PICTURES")  # a folder: every page that was looked at, as a PNG


def look_at(page, pages):
    """`pages`: a name for each address. One after the other, in a window as wide as the page's."""
    width = page.viewport_size["width"]
    for name, url in pages.items():
        page.goto(url, wait_until="networkidle")
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{name}-{width}.png", full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} wide"
        assert page.complaints == [], name
