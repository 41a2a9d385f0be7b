"""Makes the pictures of the handbook anew, `make pictures`: the demo company's dismissal, played as far as each of them needs."""

from __future__ import annotations

import datetime as dt
import io
import tempfile
import time
from pathlib import Path
from zoneinfo import ZoneInfo

from browser import DESK, PHONE, Visitor, launched
from PIL import Image
from served import serving

from engine.settings import Settings
from webapp.demo import answers
from webapp.demo.seed import PASSWORD
from webapp.demo.story import Person
from webapp.handbook.pages import PICTURES
from webapp.i18n import LOCALES

#: colours of a picture: enough for pages, and a quarter of the bytes
COLOURS = 64


def main() -> None:
    """Replace every picture, in both languages."""
    with tempfile.TemporaryDirectory() as home, serving(Path(home)) as served, launched() as browser:
        item = play(served.address, "approve")
        take(Visitor(browser, served.address, "zhaominhua", PASSWORD, DESK), {"inbox": "/inbox", "approve": f"/items/{item}"})
        item = play(served.address, "give_statement")
        take(Visitor(browser, served.address, "linxiaobei", PASSWORD, PHONE), {"statement": f"/items/{item}"})
        take(
            Visitor(browser, served.address, "sunzhiyuan", PASSWORD, DESK),
            {"modeler": "/studio/termination/edit/termination.bpmn"},
            select="assess",
        )


def play(address: str, until: str) -> str:
    """A new case as far as this step; the id of its work item."""
    people = {login: Person(address, login) for login in {answers.SUPERVISOR, answers.READER, *answers.SIGNERS.values()}}
    people |= {answer.login: Person(address, answer.login) for answer in answers.ANSWERS.values() if answer.login not in people}
    today = dt.datetime.now(ZoneInfo(Settings().zone)).date()
    [subject] = people[answers.SUPERVISOR].ask("GET", f"/employees?search={answers.SUBJECT}")["employees"]
    report = {"procedure": "termination", "subject": subject["id"], "values": answers.report(today)}
    case_id = people[answers.SUPERVISOR].ask("POST", "/cases", report)["case_id"]
    while True:
        for step in people[answers.READER].ask("GET", f"/cases/{case_id}")["open"]:
            item = str(step["item_id"])
            if step["element"] == until:
                return item
            if step["element"] == "approve":
                signer = next(answers.SIGNERS[name] for name in step["holders"] if name in answers.SIGNERS)
                people[signer].ask("POST", f"/items/{item}/approve", {"opinion": "同意。"})
            else:
                answer = answers.ANSWERS[step["element"]]
                person = people[answer.login]
                values = answer.values(person.ask("GET", f"/items/{item}")["values"], today)
                person.ask("POST", f"/items/{item}/complete", {"values": values})
        time.sleep(0.1)


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
