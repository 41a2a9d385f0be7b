"""What went wrong once under attack: two starts at once, hostile input, lost processes."""

from __future__ import annotations

import threading
from pathlib import Path

import sqlalchemy as sa

from engine import procedures
from engine.models import Account, ProcedureVersion
from engine.settings import Settings
from webapp import FORMS, PROCEDURES, create_services
from webapp.demo import roster, seed
from webapp.server import offline


def test_two_first_starts_at_once_load_the_demo_once(database_url: str, tmp_path: Path) -> None:
    """Two machines that start on the same empty database both come up, with one set of people and one procedure."""
    files = procedures.gather(PROCEDURES / "termination", FORMS)
    homes = [offline(Settings(home=tmp_path / name, database=database_url, keys=str(tmp_path / "keys.json"))) for name in "ab"]
    both = [create_services(home) for home in homes]
    failed: list[Exception] = []
    ready = threading.Barrier(2)

    def begin(number: int) -> None:
        ready.wait()
        try:
            seed.load(both[number], files)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with both[0].database.reading() as connection:
        accounts = connection.execute(sa.select(sa.func.count()).select_from(Account)).scalar_one()
        versions = connection.execute(sa.select(ProcedureVersion.procedure, ProcedureVersion.number)).all()
    assert accounts == len([one for one in roster.EMPLOYEES.values() if one.login]) + 1
    assert [tuple(row) for row in versions] == [("termination", 1)]
    for services in both:
        services.database.dispose()
