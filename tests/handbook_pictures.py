"""Makes the pictures of the handbook anew, `make pictures`: the demo company's dismissal, played as far as each of them needs."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from browser import DESK, PHONE, Visitor, launched
from demo_case import DemoCase
from PIL import Image
from served import serving

from webapp.demo.seed import PASSWORD
from webapp.handbook.pages import PICTURES
from webapp.i18n import LOCALES

#: colours of a picture: enough for pages, and a quarter of the bytes
COLOURS = 64


def main() -> None:
    """Replace every picture, in both languages."""
    with tempfile.TemporaryDirectory() as home, serving(Path(home)) as served, launched() as browser:
        item = DemoCase(served.address).until("approve")
        take(Visitor(browser, served.address, "zhaominhua", PASSWORD, DESK), {"inbox": "/inbox", "approve": f"/items/{item}"})
        item = DemoCase(served.address).until("give_statement")
        take(Visitor(browser, served.address, "linxiaobei", PASSWORD, PHONE), {"statement": f"/items/{item}"})
        take(
            Visitor(browser, served.address, "sunzhiyuan", PASSWORD, DESK),
            {"modeler": "/studio/termination/edit/termination.bpmn"},
            select="assess",
        )


def take(visitor: Visitor, screens: dict[str, str], *, select: str = "") -> None:
    """Picture by picture in both languages. `select`: an element of a diagram that is pressed first."""
    for locale, name in LOCALES.items():
        visitor.page.goto("/account")
        visitor.page.get_by_role("main").get_by_role("button", name=name, exact=True).click()
        for picture, address in screens.items():
            visitor.page.goto(address)
            visitor.page.wait_for_load_state("networkidle")
            if select:
                visitor.page.locator(f"[data-element-id={select}]").first.click()
                visitor.page.wait_for_timeout(1000)
            shot = Image.open(io.BytesIO(visitor.page.screenshot(caret="initial"))).convert("RGB")
            file = PICTURES / locale / f"{picture}-{visitor.width}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            shot.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
            print(f"{file.relative_to(PICTURES)}: {file.stat().st_size // 1024} kB")
    visitor.leave()


if __name__ == "__main__":
    main()
