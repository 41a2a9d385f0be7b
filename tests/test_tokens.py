"""Tokens of programs: whom they let in, for what, and until when."""

from __future__ import annotations

import datetime as dt
import json
import re

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from engine_room import Room, person
from web_office import Office

from engine.errors import FormInvalid, NotFound
from engine.models import Account, DirectoryEvent, Person, ServiceToken
from engine.people import tokens
from engine.services import Services
from webapp.api.description import OF_TOKENS, SCOPES
from webapp.commands import partwell

DAY = dt.date(2026, 12, 24)


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def test_what_is_kept_of_a_token(room: Room) -> None:
    """Its digest and its beginning, never itself; the change of the directory says who made it for what."""
    secret = tokens.issue(
        room.services, name=" 考勤系统 ", person=person("worker"), scopes=["start", "read:cases"], expires_on=DAY, by=person("admin")
    )
    assert secret.startswith(tokens.MARK) and len(secret) > 40
    with room.services.database.reading() as connection:
        [row] = tokens.rows(connection)
        [event] = connection.execute(sa.select(DirectoryEvent.__table__)).all()
    assert secret not in str(row) and secret.startswith(row.shown) and row.digest == tokens.digest(secret)
    assert (row.name, row.person, row.maker, row.scopes) == ("考勤系统", "马骏", "吴凡", ["read:cases", "start"])
    assert row.expires_at == dt.datetime(2026, 12, 24, 16, tzinfo=dt.UTC), "until the end of the day in Shanghai"
    assert (event.kind, event.act, event.ref, event.by) == ("tokens", "added", person("worker"), person("admin"))
    tokens.revoke(room.services, row.id, by=person("admin"))
    tokens.revoke(room.services, row.id, by=person("admin"))
    assert room.value(sa.select(sa.func.count()).select_from(DirectoryEvent)) == 2
    with pytest.raises(NotFound):
        tokens.revoke(room.services, "0" * 32, by=None)


def test_what_makes_no_token(room: Room) -> None:
    """Nobody passes for somebody who logs in themselves; each fault is told by its field, and nothing is kept."""
    room.write(sa.insert(Account).values(login="hr", person_id=person("hr"), password="-", locale="zh-CN", disabled=True))
    room.write(sa.update(Person).where(Person.id == person("other")).values(active=False))

    def faults(name: str = "系统", who: str = person("worker"), scopes: tuple[str, ...] = ("start",), until: dt.date = DAY) -> set[str]:
        with pytest.raises(FormInvalid) as refused:
            tokens.issue(room.services, name=name, person=who, scopes=scopes, expires_on=until, by=None)
        return set(refused.value.fields)

    assert faults(who=person("hr")) == faults(who=person("other")) == faults(who="") == {"person"}
    assert faults(name="") == faults(name="x" * 101) == faults(name="a\0") == {"name"}
    today = dt.date(2026, 11, 24)
    assert faults(until=today) == faults(until=dt.date.min) == faults(until=today + dt.timedelta(days=tokens.LONGEST + 1)) == {"expires"}
    assert faults(name="", who="x", scopes=(), until=today) == {"name", "person", "scopes", "expires"}
    assert room.value(sa.select(sa.func.count()).select_from(ServiceToken)) == 0


# --- over HTTP


@pytest.fixture(scope="module")
def program(office: Office) -> str:
    """A person for a program, entered by an administrator, who may start and read."""
    admin = office.browser("admin")
    form = {"name": "考勤系统", "employee_no": "SYS-1", "roles": "hr", "active": "yes", "note": "接入考勤"}
    assert office.post(admin, "/people/edit/persons", form).status_code == 302
    with office.services.database.reading() as connection:
        found: str = connection.execute(sa.select(Person.id).where(Person.employee_no == "SYS-1")).scalar_one()
    return found


def made(office: Office, program: str, *scopes: str) -> dict[str, str]:
    """The header with a token that the page of tokens made."""
    today = office.services.clock.now().date()
    form = {"name": "考勤", "person": program, "scopes": [*scopes], "expires": (today + dt.timedelta(days=30)).isoformat()}
    page = office.post(office.browser("admin"), "/people/tokens", form)
    assert page.status_code == 200, page.text
    [secret] = re.findall(r"<code>(partwell\.[\w-]{40,})</code>", page.text)
    return {"Authorization": f"Bearer {secret}"}


def test_a_token_opens_what_it_is_for_and_nothing_else(office: Office, program: str) -> None:
    """It acts as its person, with their roles; without the scope it is refused by name, and it opens no page."""
    own, client = made(office, program, "start", "prepare"), office.app.test_client()
    assert client.get("/api/v1/me", headers=own).json["name"] == "考勤系统"
    assert client.get("/api/v1/procedures", headers=own).status_code == 200
    assert client.get("/api/v1/items", headers=own).status_code == 200
    for method, address in (("GET", "/api/v1/cases"), ("POST", "/api/v1/items/1/approve"), ("DELETE", "/api/v1/session")):
        refused = client.open(address, method=method, headers=own, json={} if method == "POST" else None)
        assert refused.status_code == 403 and refused.json["code"] == "scope_lacking", refused.text
    secret = own["Authorization"].removeprefix("Bearer ")
    client.set_cookie("partwell_session", secret)
    assert client.get("/inbox").status_code == 302, "a token is no session of a browser"


def test_no_token_decides(office: Office, program: str) -> None:
    """The scopes under which people decide are offered to no token, and a form that names one anyway is refused."""
    assert set(SCOPES) - set(OF_TOKENS) == {"work", "own", "admin:cases"}
    page = office.browser("admin").get("/people/tokens").text
    assert 'value="work"' not in page and 'value="start"' in page
    form = {"name": "x", "person": program, "scopes": ["work"], "expires": "2999-01-01"}
    refused = office.post(office.browser("admin"), "/people/tokens", form)
    assert refused.status_code == 422 and "请至少勾选一项用途" in refused.text and not re.search(r"partwell\.[\w-]{40}", refused.text)


def test_no_token_ends_a_case_or_finds_signers_anew(office: Office, program: str) -> None:
    """Calling a case off ends it, and finding signers anew may decide a step: not even a token for everything does that."""
    own, client = made(office, program, *OF_TOKENS), office.app.test_client()
    case = office.case()
    item = office.talked(case)
    for address in (f"cases/{case}/cancel", f"items/{item}/find-anew"):
        refused = client.post(f"/api/v1/{address}", headers=own, json={"reason": "x"})
        assert refused.status_code == 403 and refused.json["code"] == "scope_lacking", refused.text


def test_a_person_for_a_program_is_offered_among_many_without_a_login(office: Office, program: str) -> None:
    """Where most employees have no login, whoever holds a role stands before them, and can still be chosen."""
    with office.services.database.unit() as unit:
        for number in range(201):
            unit.connection.execute(sa.insert(Person).values(id=f"{number:032x}", name=f"丁{number:03}", post="", post_en="", active=True))
        unit.commit()
    assert f'value="{program}"' in office.browser("admin").get("/people/tokens").text


def test_a_revoked_token_opens_nothing(office: Office, program: str) -> None:
    """From the next request on; so does one whose person has got an account or may not act any more."""
    own, client = made(office, program, "start"), office.app.test_client()
    assert client.get("/api/v1/me", headers=own).status_code == 200
    with office.services.database.reading() as connection:
        newest = tokens.rows(connection)[0]
    assert newest.used_at is not None
    admin = office.browser("admin")
    assert "考勤" in office.post(admin, f"/people/tokens/{newest.id}/revoke", follow_redirects=True).text
    assert client.get("/api/v1/me", headers=own).status_code == 401
    second = made(office, program, "start")
    with office.services.database.unit() as unit:
        unit.connection.execute(sa.update(Person).where(Person.id == program).values(active=False))
        unit.commit()
    assert client.get("/api/v1/me", headers=second).status_code == 401
    with office.services.database.unit() as unit:
        unit.connection.execute(sa.update(Person).where(Person.id == program).values(active=True))
        unit.commit()
    assert client.get("/api/v1/me", headers=second).status_code == 200
    assert "程序接入" in admin.get("/people/changes").text


def test_only_administrators_make_tokens(office: Office) -> None:
    """Others see neither page nor tokens."""
    hr = office.browser("wangfang")
    assert hr.get("/people/tokens").status_code == 403
    assert office.post(hr, "/people/tokens", {"name": "x"}).status_code == 403


def test_tokens_on_the_command_line(office: Office, program: str) -> None:
    """Made, listed and revoked; what is wrong is told by its option."""
    home = str(office.services.settings.home)

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(partwell, ["--home", home, "token", *arguments], standalone_mode=False)
        return done.return_value, done.output

    until = (office.services.clock.now().date() + dt.timedelta(days=10)).isoformat()
    _, secret = run("create", "夜间导入", "--person", "SYS-1", "--scope", "start", "--until", until)
    own = {"Authorization": f"Bearer {secret.strip()}"}
    assert office.app.test_client().get("/api/v1/me", headers=own).status_code == 200
    listed = {row["name"]: row for row in json.loads(run("list", "--json")[1])}
    assert "夜间导入" in run("list")[1] and listed["夜间导入"]["scopes"] == ["start"]
    assert run("revoke", listed["夜间导入"]["id"])[0] == 0
    assert office.app.test_client().get("/api/v1/me", headers=own).status_code == 401
