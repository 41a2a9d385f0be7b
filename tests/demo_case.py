"""A case of the demo company, played by its people at the HTTP interface as far as somebody needs it."""

from __future__ import annotations

import time
from typing import Any

from webapp.demo import answers
from webapp.demo.story import PICTURE, Person, today


class DemoCase:
    """The dismissal that the supervisor of the demo company reports, from its report on."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._people: dict[str, Person] = {}
        supervisor = self.person(answers.SUPERVISOR)
        [subject] = supervisor.ask("GET", f"/employees?search={answers.SUBJECT}")["employees"]
        report = {"procedure": "termination", "subject": subject["id"], "values": answers.report(today())}
        self.id = str(supervisor.ask("POST", "/cases", report)["case_id"])

    def person(self, login: str) -> Person:
        if login not in self._people:
            self._people[login] = Person(self._address, login)
        return self._people[login]

    def open(self) -> dict[str, Any]:
        """Element -> its work item, of those that wait."""
        return {step["element"]: step for step in self.person(answers.READER).ask("GET", f"/cases/{self.id}")["open"]}

    def until(self, element: str) -> str:
        """Everybody does what is theirs until this step waits; gives the id of its work item."""
        while element not in (open_now := self.open()):
            for each in open_now:
                self.answer(each)
            time.sleep(0.1)
        return str(open_now[element]["item_id"])

    def wait_for(self, *elements: str) -> None:
        """Until these steps wait, with nobody doing anything; outside systems answer meanwhile."""
        while not set(elements) <= self.open().keys():
            time.sleep(0.1)

    def answer(self, element: str) -> None:
        """Whoever holds the step does it as the demo company does."""
        step = self.open()[element]
        item = str(step["item_id"])
        if element == "approve":
            signer = next(answers.SIGNERS[name] for name in step["holders"] if name in answers.SIGNERS)
            self.person(signer).ask("POST", f"/items/{item}/approve", {"opinion": "同意。"})
            return
        answer = answers.ANSWERS[element]
        person = self.person(answer.login)
        values: Any = answer.values(person.ask("GET", f"/items/{item}")["values"], today())
        for path in answer.files:
            group, name = path.split(".")
            sent = person.ask("POST", f"/items/{item}/documents", files={path: ("proof.png", PICTURE, "image/png")})
            values[group][name] = sent["documents"][path]
        person.ask("POST", f"/items/{item}/complete", {"values": values})
