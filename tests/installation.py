"""A whole Partwell in this process on a home of its own: the shipped procedure, the demo's people, the ordinary connectors."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sample_company import TODAY as DAY
from sample_company import SampleCompany
from twins import SetClock

from engine import casefile, cases, inbox, procedures, work
from engine.casefile import CasePage
from engine.inbox import ItemPage
from engine.jobs import Runner
from engine.models import Account, new_id
from engine.people import directory
from engine.ports import File
from engine.settings import Settings
from webapp import FORMS, PROCEDURES, create_services, with_connectors
from webapp.demo import answers, seed
from webapp.demo.systems import company_connectors

#: the sample company's day, and ours
TODAY = dt.date.fromisoformat(DAY)


class Installation:
    """Its people, by login, at the engine's use cases."""

    def __init__(self, home: Path, company: SampleCompany) -> None:
        reached = company_connectors(http=company.http, smtp=company.smtp, token=company.token)
        self.services = create_services(with_connectors(Settings(home=home), reached), clock=SetClock(f"{DAY}T01:00:00+00:00"))
        seed.load(self.services, procedures.gather(PROCEDURES / "termination", FORMS))

    def person(self, login: str) -> str:
        with self.services.database.reading() as connection:
            return str(connection.execute(sa.select(Account.person_id).where(Account.login == login)).scalar_one())

    def start_case(self) -> str:
        """The supervisor's report about the article's employee; gives the id of the case."""
        with self.services.database.reading() as connection:
            [subject] = directory.search(connection, answers.SUBJECT, directory.day(self.services.clock.now()))
        return cases.start(
            self.services,
            procedure="termination",
            initiator=self.person(answers.SUPERVISOR),
            subject=subject.id,
            values=answers.report(TODAY),
            request_id=new_id(),
        ).case_id

    def run_jobs(self) -> None:
        runner = Runner(self.services, name="test", seal=lambda case_id: None)
        while runner.run_due():
            pass
        runner.close()

    def case(self, case_id: str) -> CasePage:
        return casefile.case_page(self.services, case_id, reader=self.person(answers.READER))

    def item(self, case_id: str, element: str) -> ItemPage:
        """The open work item of this element."""
        [step] = [step for step in self.case(case_id).open if step.element == element]
        return inbox.item_page(self.services, step.item_id, reader=self.person(answers.READER))

    def complete(self, case_id: str, element: str) -> None:
        """Answered as in the demo."""
        item, answer = self.item(case_id, element), answers.ANSWERS[element]
        actor, values = self.person(answer.login), answer.values(dict(item.values), TODAY)
        uploads = {path: [File(kind="attachment", name="proof.txt", media_type="text/plain", content=b"seen")] for path in answer.files}
        for path, documents in work.attach(self.services, item.id, actor=actor, files=uploads).items():
            group, field = path.split(".")
            values[group][field] = documents
        work.complete(self.services, item.id, actor=actor, values=values, request_id=new_id())

    def play(self, case_id: str, *, until: str) -> list[str]:
        """Everybody does their part until `until` is open; gives the elements that were done, in order."""
        done: list[str] = []
        while len(done) < 20:
            self.run_jobs()
            [step] = self.case(case_id).open
            if step.element == until:
                return done
            if step.element == "approve":
                signer = self.person(next(answers.SIGNERS[name] for name in step.holders))
                work.approve(self.services, step.item_id, actor=signer, opinion="同意", request_id=new_id())
            else:
                self.complete(case_id, step.element)
            done.append(step.element)
        raise AssertionError(f"{until} never comes after {done}")


@contextmanager
def installed(home: Path, company: SampleCompany) -> Iterator[Installation]:
    opened = Installation(home, company)
    yield opened
    opened.services.database.dispose()
