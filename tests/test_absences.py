"""Substitutes: who signs for somebody absent, when, for what, and through whom."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from engine_room import PEOPLE, Room, line, person, together
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import NotAllowed, NotFound, SubstituteRefused
from engine.models import DirectoryEvent, Person, Substitution, SubstitutionUse
from engine.people import absences
from engine.services import Services

NOW = dt.datetime(2026, 11, 24, 1, tzinfo=dt.UTC)


@pytest.fixture
def room(services: Services) -> Room:
    return Room(services)


def days(first: float, last: float) -> dict[str, dt.datetime]:
    """From so many days after NOW to so many."""
    return {"starts_at": NOW + dt.timedelta(days=first), "ends_at": NOW + dt.timedelta(days=last)}


def appoint(room: Room, absent: str, substitute: str, first: float = 0, last: float = 7, *, by: str = "", **more: Any) -> str:
    who = {"absent": person(absent), "substitute": person(substitute), "by": person(by or absent)}
    return absences.appoint(room.services, **who, **days(first, last), **more)


def stands_in(room: Room, absent: str, at: float = 1, **where: str) -> list[str]:
    """Keys of the people on the way from the absent person to who stands in; nobody: an empty list."""
    with room.services.database.reading() as connection:
        found = absences.stand_in(connection, person(absent), NOW + dt.timedelta(days=at), **where)
    ids = {person(key): key for key in PEOPLE}
    return [ids[hop.substitute] for hop in found.path] if found else []


def test_a_substitute_holds_from_the_first_moment_to_before_the_last(room: Room) -> None:
    """Not a moment longer, and only for who is absent."""
    appoint(room, "head", "boss", 1, 3)
    assert [stands_in(room, "head", at) for at in (0.99, 1, 2.99, 3)] == [[], ["boss"], ["boss"], []]
    assert stands_in(room, "boss") == []


def test_substitute_of_the_nearest_scope(room: Room) -> None:
    """代理人 / 授权委托 (substitute): that of the chain before that of the procedure before that of everything."""
    room.deploy(*line("a"), chains={"consent": _chain()})
    appoint(room, "head", "boss")
    appoint(room, "head", "hr", scope="procedure", ref="test")
    appoint(room, "head", "director", scope="chain", ref="consent")
    assert stands_in(room, "head") == ["boss"]
    assert stands_in(room, "head", procedure="other", chain="x") == ["boss"]
    assert stands_in(room, "head", procedure="test") == ["hr"]
    assert stands_in(room, "head", procedure="test", chain="consent") == ["director"]


def _chain() -> dict[str, Any]:
    step = {"name": "部门", "name_en": "Department", "mode": "single", "approvers": [{"rule": "department_head"}]}
    return {"name": "同意", "name_en": "Consent", "steps": [step]}


def test_substitute_of_a_substitute_three_times(room: Room) -> None:
    """代理人 / 授权委托 (substitute): the way is told; a fourth one cannot even be entered, nor can a circle."""
    for absent, substitute in (("head", "boss"), ("boss", "hr"), ("hr", "director")):
        appoint(room, absent, substitute)
    assert stands_in(room, "head") == ["boss", "hr", "director"]
    with pytest.raises(SubstituteRefused, match=r"more than three .*赵敏 → 陈立 → 王芳 → 孙志远 → 吴凡"):
        appoint(room, "director", "admin")
    with pytest.raises(SubstituteRefused, match=r"more than three .*吴凡 → 赵敏"):
        appoint(room, "admin", "head")
    with pytest.raises(SubstituteRefused, match=r"in a circle: \S+ → \S+ → \S+ → \S+"):
        appoint(room, "hr", "head", scope="procedure", ref=_deployed(room))
    assert len(room.rows(sa.select(Substitution.id))) == 3


def _deployed(room: Room) -> str:
    room.deploy(*line("a"))
    return "test"


def test_a_circle_needs_a_common_moment_and_scope(room: Room) -> None:
    """Two who stand in for each other one after the other, or in different procedures, are no circle."""
    room.deploy(*line("a"))
    room.deploy(*line("a"), procedure="other")
    appoint(room, "head", "boss", 0, 3, scope="procedure", ref="test")
    appoint(room, "boss", "head", 3, 6)
    appoint(room, "boss", "head", 0, 3, scope="procedure", ref="other")
    with pytest.raises(SubstituteRefused, match="circle"):
        appoint(room, "boss", "head", 2, 3)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"substitute": "head"}, "nobody stands in for themselves"),
        ({"first": 3, "last": 2}, "the end lies before"),
        ({"first": -3, "last": 0}, "over already"),
        ({"scope": "galaxy"}, "the scope must be"),
        ({"scope": "all", "ref": "test"}, "names no procedure"),
        ({"scope": "procedure", "ref": "nothing"}, 'no procedure "nothing"'),
        ({"scope": "chain", "ref": "nothing"}, 'no chain "nothing"'),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(room: Room, wrong: dict[str, Any], said: str) -> None:
    """And leaves nothing behind."""
    with pytest.raises(SubstituteRefused, match=said):
        appoint(room, "head", **{"substitute": "boss", **wrong})
    assert room.rows(sa.select(Substitution.id)) == [] == room.rows(sa.select(DirectoryEvent.id))


def test_two_substitutes_for_the_same_time_and_scope_are_refused(room: Room) -> None:
    """Nobody could say which one counts; after the end of the first it is free again."""
    first = appoint(room, "head", "boss")
    with pytest.raises(SubstituteRefused, match="already"):
        appoint(room, "head", "hr", 6, 9)
    appoint(room, "head", "hr", 7, 9)
    absences.end(room.services, first, by=person("head"))
    assert stands_in(room, "head") == []
    appoint(room, "head", "director", 0, 7)
    assert stands_in(room, "head") == ["director"]


def test_who_left_stands_in_for_nobody(room: Room) -> None:
    """On the day from which it would hold."""
    room.write(sa.update(Person).where(Person.id == person("boss")).values(employed_to=dt.date(2026, 11, 26)))
    appoint(room, "head", "boss", 2, 5)
    with pytest.raises(SubstituteRefused, match="陈立 does not work here then"):
        appoint(room, "head", "boss", 10, 12)
    with pytest.raises(NotFound):
        absences.appoint(room.services, absent=person("head"), substitute="f" * 32, by=person("head"), **days(0, 1))


def test_only_the_absent_and_administrators_name_a_substitute(room: Room) -> None:
    """For others nobody does, and nobody else ends one; what was done is kept with names."""
    with pytest.raises(NotAllowed):
        appoint(room, "head", "boss", by="boss")
    found = appoint(room, "head", "boss", by="admin", note="休假")
    with pytest.raises(NotAllowed):
        absences.end(room.services, found, by=person("boss"))
    absences.end(room.services, found, by=person("head"))
    absences.end(room.services, found, by=person("head"))
    events = room.rows(sa.select(DirectoryEvent.__table__).order_by(DirectoryEvent.id))
    assert [(event.act, event.name, event.by, event.note) for event in events] == [
        ("added", "赵敏", person("admin"), "休假"),
        ("ended", "赵敏", person("head"), ""),
    ]
    assert events[0].changes["substitute"] == [None, "陈立"]
    with pytest.raises(NotFound):
        absences.end(room.services, "f" * 32, by=person("admin"))


def test_what_was_named_is_listed_with_its_uses(room: Room) -> None:
    """One's own and those of others for whom one stands in; every substitution of the way counts its use once."""
    room.deploy(*line("a"))
    case = room.start()
    [sign_off] = room.values(sa.text("SELECT id FROM sign_offs").columns(id=SubstitutionUse.sign_off_id.type))
    appoint(room, "head", "boss")
    over = appoint(room, "boss", "hr")
    with room.services.database.unit() as unit:
        found = absences.stand_in(unit.connection, person("head"), NOW)
        assert found is not None and found.person == person("hr")
        absences.used(unit, found, sign_off, NOW)
        unit.commit()
    absences.end(room.services, over, by=person("boss"))
    with room.services.database.reading() as connection:
        listed = absences.rows(connection, NOW, person=person("boss"))
        assert [(row.absent, row.substitute, row.uses) for row in listed] == [("赵敏", "陈立", 1)]
        assert {row.absent for row in absences.rows(connection, NOW, person=person("boss"), past=True)} == {"赵敏", "陈立"}
    assert case


def test_two_at_the_same_moment_close_no_circle(room: Room) -> None:
    """The second one waits for the first and is refused."""
    answers = together(lambda: appoint(room, "head", "boss"), lambda: appoint(room, "boss", "head"))
    assert sum(isinstance(answer, SubstituteRefused) for answer in answers) == 1
    assert len(room.rows(sa.select(Substitution.id))) == 1


_ENTRY = st.tuples(
    st.sampled_from(["head", "boss", "hr", "director", "other"]),
    st.sampled_from(["head", "boss", "hr", "director", "other"]),
    st.integers(0, 6),
    st.integers(1, 6),
    st.sampled_from([("all", ""), ("procedure", "test"), ("procedure", "other"), ("chain", "consent")]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=st.lists(_ENTRY, max_size=10))
def test_whatever_is_entered_no_way_is_a_circle_or_too_long(room: Room, entries: list[Any]) -> None:
    """On every day and for every procedure and chain the way ends after three, with somebody who is not on it before."""
    if not room.rows(sa.select(Substitution.id).limit(1)) and not room.rows(sa.text("SELECT 1 AS n FROM procedure_versions")):  # type: ignore[arg-type]
        room.deploy(*line("a"), chains={"consent": _chain()})
        room.deploy(*line("a"), procedure="other")
    room.write(sa.delete(Substitution))
    for absent, substitute, first, length, (scope, ref) in entries:
        try:
            appoint(room, absent, substitute, first, first + length, scope=scope, ref=ref)
        except SubstituteRefused:
            continue
    with room.services.database.reading() as connection:
        for day in range(13):
            for procedure, chain in (("", ""), ("test", "consent"), ("other", "consent"), ("other", "")):
                at = NOW + dt.timedelta(days=day)
                for key, found in absences.stand_ins(connection, [person(key) for key in PEOPLE], at, procedure, chain).items():
                    way = [key, *(hop.substitute for hop in found.path)]
                    assert len(set(way)) == len(way) <= 4
                    assert absences.stand_in(connection, found.person, at, procedure, chain) is None
