"""Takes pictures of the page on its stage: `python -m tests.support.shoot FOLDER LOGIN_URL…`, one per picture."""

import sys
from pathlib import Path

from tests.support.browser import open_browser

PICTURES = (
    ("wide", 1280, "light", "sv"),
    ("wide-dark", 1280, "dark", "en"),
    ("narrow", 390, "light", "sv"),
    ("narrow-dark", 360, "dark", "en"),
)


def main() -> None:
    """One picture of the whole page per width and theme."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with open_browser() as browser:
        for (name, width, theme, lang), link in zip(PICTURES, sys.argv[2:], strict=False):
            context = browser.new_context(
                viewport={"width": width, "height": 900},
                color_scheme="dark" if theme == "dark" else "light",
                device_scale_factor=1.5 if width < 500 else 1,
            )
            page = context.new_page()
            page.on("console", lambda line: print(line.text))
            page.on("pageerror", lambda error: print(error.message))
            page.goto(link)
            page.screenshot(path=str(folder / f"{name}-link.png"))
            page.locator("button.act").click()
            if lang != "sv":
                page.goto(f"{page.url.partition('?')[0]}?lang={lang}")
            page.wait_for_selector("html.filled")
            page.wait_for_selector("#flow path")
            page.evaluate("document.fonts.ready")
            page.screenshot(path=str(folder / f"{name}.png"), full_page=True)
            page.locator(".sign-out button").click()
            page.wait_for_selector("main.notice")
            page.screenshot(path=str(folder / f"{name}-out.png"))
            context.close()


if __name__ == "__main__":
    main()
