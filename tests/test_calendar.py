"""Working time: what is open, and what so many hours or days later is."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import chinese_calendar
import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import errors
from engine.calendar import Calendar, Calendars
from engine.workdays import Workdays

SHANGHAI = "Asia/Shanghai"
#: shifts of every kind: lunch, a short Saturday, over midnight, around the clock
PATTERNS: tuple[dict[str, list[str]], ...] = (
    {"mon-fri": ["09:00-12:00", "13:00-18:00"]},
    {"mon-fri": ["09:00-18:00"], "sat": ["09:00-12:00"]},
    {"mon-sat": ["22:00-06:00"]},
    {"sun": ["01:30-02:45"], "mon-thu": ["02:30-03:15", "20:00-24:00"]},
    {"mon-sun": ["00:00-24:00"]},
)
ZONES = (SHANGHAI, "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia")


def calendar(zone: str = SHANGHAI, **table: Any) -> Calendar:
    return Calendar(Workdays.read("test", table, zone=zone))


def at(text: str, zone: str = SHANGHAI) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def local(instant: dt.datetime, zone: str = SHANGHAI) -> str:
    return instant.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def test_every_day_of_china_since_2006_is_as_a_second_source_says() -> None:
    """Holidays, days off in lieu and make-up days agree with an independent list, day by day, and each year counts as announced."""
    office = calendar()
    date, wrong = dt.date(2006, 1, 1), []
    while date.year <= 2026:
        day = office.day(date)
        assert not day.assumed
        if bool(day.shifts) != chinese_calendar.is_workday(date):
            wrong.append(date)
        date += dt.timedelta(days=1)
    assert wrong == []


@pytest.mark.parametrize(
    ("date", "shifts", "reason"),
    [
        ("2026-10-05", 0, "国庆节（补假）"),
        ("2026-10-10", 2, "调休上班"),
        ("2026-10-08", 2, ""),
        ("2026-10-11", 0, ""),
    ],
)
def test_a_day_says_why_it_is_unlike_others(date: str, shifts: int, reason: str) -> None:
    """The National Day of 2026: a day off, a Saturday that is worked, and ordinary days without a reason."""
    day = calendar().day(dt.date.fromisoformat(date))
    assert (len(day.shifts), day.reason) == (shifts, reason)


@pytest.mark.parametrize(
    ("start", "days", "hours", "due"),
    [
        ("2026-11-24 15:00", 1, 0, "2026-11-25 15:00"),  # not 24 working hours
        ("2026-11-24 07:00", 1, 0, "2026-11-25 09:00"),  # before opening it begins at the opening
        ("2026-11-24 12:30", 1, 0, "2026-11-25 13:00"),
        ("2026-11-24 20:00", 1, 0, "2026-11-26 09:00"),
        ("2026-11-27 15:00", 1, 0, "2026-11-30 15:00"),  # over a weekend
        ("2026-09-30 15:00", 3, 0, "2026-10-10 15:00"),  # over the National Day, and the Saturday after it is worked
        ("2026-11-24 09:00", 0, 8, "2026-11-24 18:00"),  # a full day ends at its closing
        ("2026-11-24 10:00", 0, 8, "2026-11-25 10:00"),
        ("2026-11-24 11:00", 0, 2, "2026-11-24 14:00"),  # lunch does not count
        ("2026-11-24 17:00", 1, 2, "2026-11-26 10:00"),  # days first, then hours
        ("2026-11-28 11:00", 0, 0, "2026-11-30 09:00"),
    ],
)
def test_working_days_and_hours_later(start: str, days: int, hours: float, due: str) -> None:
    """What an office worker would say, across lunch, night, weekend and holidays."""
    assert local(calendar().add(at(start), days=days, hours=dt.timedelta(hours=hours))) == due


def test_a_shift_over_midnight_belongs_to_the_day_it_opens_on() -> None:
    """At 02:00 on Saturday it is still Friday's shift, and a working day later is Sunday night's second half."""
    night = calendar(hours={"mon-fri": ["22:00-06:00"], "sun": ["22:00-06:00"]}, holidays="")
    assert night.is_open(at("2026-11-28 02:00")) and not night.is_open(at("2026-11-28 06:00"))
    assert local(night.add(at("2026-11-28 02:00"), days=1)) == "2026-11-30 02:00"
    assert local(night.next_opening(at("2026-11-28 06:00"))) == "2026-11-29 22:00"
    assert local(night.previous_closing(at("2026-11-29 12:00"))) == "2026-11-28 06:00"


def test_where_the_next_day_is_shorter_a_working_day_ends_at_its_closing() -> None:
    """From Friday 15:00, a working day later is Saturday's closing at noon."""
    assert local(calendar(hours={"mon-fri": ["09:00-18:00"], "sat": ["09:00-12:00"]}).add(at("2026-11-27 15:00"), days=1)) == (
        "2026-11-28 12:00"
    )


def test_the_company_s_own_exceptions_count_before_everything_else() -> None:
    """A day off, a day worked with other hours, a range, and a holiday that is worked."""
    own = calendar(
        exceptions={
            "2026-11-25": {"off": "厂庆"},
            "2026-11-28": {"work": "盘点", "hours": ["10:00-11:00"]},
            "2026-12-01/2026-12-03": {"off": "停产检修"},
            "2026-10-01": {"work": "值班"},
        }
    )
    assert local(own.add(at("2026-11-24 15:00"), days=1)) == "2026-11-26 15:00"
    assert own.worked(at("2026-11-28 00:00"), at("2026-11-29 00:00")) == dt.timedelta(hours=1)
    assert local(own.next_opening(at("2026-11-30 18:00"))) == "2026-12-04 09:00"
    assert own.day(dt.date(2026, 10, 1)).reason == "值班" and len(own.day(dt.date(2026, 10, 1)).shifts) == 2


def test_a_year_that_is_not_announced_is_assumed_and_says_so() -> None:
    """Statutory holidays count already, what may be moved does not, and each day of the year is marked."""
    office = calendar()
    assert office.assumed(at("2099-01-04 10:00")) and not office.assumed(at("2026-12-31 23:59"))
    new_year = office.day(dt.date(2099, 1, 1))
    assert new_year.assumed and not new_year.shifts


def test_a_strict_calendar_refuses_a_year_it_does_not_know() -> None:
    """Instead of assuming it says which year is missing and what to do; entered by hand, the year counts."""
    with pytest.raises(errors.CalendarUnknown, match="announced = 2098"):
        calendar(strict=True).add(at("2098-12-31 15:00"), days=1)
    entered = calendar(strict=True, announced=2099)
    assert local(entered.add(at("2098-12-31 15:00"), days=1)) == "2099-01-02 15:00"


def test_a_country_without_moved_days_is_known_at_once() -> None:
    """Nothing is assumed for a country whose law says everything, and a part of it has holidays of its own."""
    berlin, munich = (calendar("Europe/Berlin", holidays=place) for place in ("DE-BE", "DE-BY"))
    assumption = dt.date(2027, 1, 6)
    assert berlin.day(assumption).shifts and not munich.day(assumption).shifts and not munich.day(assumption).assumed


@pytest.mark.parametrize(
    ("start", "end", "elapsed"),
    [("2026-10-24 23:00", "2026-10-25 05:00", 7), ("2026-03-28 23:00", "2026-03-29 05:00", 5)],
)
def test_working_hours_are_elapsed_ones_when_the_clock_changes(start: str, end: str, elapsed: int) -> None:
    """A night shift during which the clock is put back is an hour longer, put forward an hour shorter."""
    night = calendar("Europe/Berlin", hours={"mon-sun": ["22:00-06:00"]}, holidays="")
    start_at, end_at = at(start, "Europe/Berlin"), at(end, "Europe/Berlin")
    assert night.worked(start_at, end_at) == dt.timedelta(hours=elapsed)
    assert night.add(start_at, hours=dt.timedelta(hours=elapsed)) == end_at


def test_too_far_is_refused_at_once() -> None:
    """A million working hours, or a company that never opens again, is an error and no endless search."""
    with pytest.raises(errors.CalendarEnds):
        calendar().add(at("2026-11-24 15:00"), hours=dt.timedelta(hours=1_000_000))
    closed = calendar(exceptions={f"{year}-01-01/{year}-12-31": {"off": "解散"} for year in range(2026, 2038)})
    with pytest.raises(errors.CalendarEnds):
        closed.next_opening(at("2026-11-24 15:00"))


def test_an_instant_needs_a_zone_and_working_time_is_not_taken_away() -> None:
    """What has no meaning is refused rather than guessed."""
    with pytest.raises(ValueError, match="time zone"):
        calendar().is_open(dt.datetime(2026, 11, 24, 9))
    with pytest.raises(ValueError, match="taken away"):
        calendar().add(at("2026-11-24 15:00"), days=-1)


def test_calendars_go_by_name_and_office_is_always_there() -> None:
    """A name nobody defined is not found; `office` may be defined anew."""
    assert Calendars({}, zone=SHANGHAI).names == {"office"}
    several = Calendars({"factory": {"hours": {"mon-sun": ["00:00-24:00"]}, "holidays": ""}}, zone=SHANGHAI)
    assert several.get("factory").is_open(at("2026-11-29 03:00")) and not several.get("office").is_open(at("2026-11-29 03:00"))
    with pytest.raises(errors.NotFound, match="bureau"):
        several.get("bureau")


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ({"houres": {}}, "calendars.test.houres"),
        ({"hours": {}}, "calendars.test.hours"),
        ({"hours": {"mon-fri": []}}, "calendars.test.hours"),
        ({"hours": {"mo": ["09:00-18:00"]}}, "calendars.test.hours.mo"),
        ({"hours": {"fri-mon": ["09:00-18:00"]}}, "calendars.test.hours.fri-mon"),
        ({"hours": {"mon-fri": ["09:00-18:00"], "fri": ["09:00-12:00"]}}, "calendars.test.hours.fri"),
        ({"hours": {"mon": ["9-18"]}}, "calendars.test.hours.mon"),
        ({"hours": {"mon": ["09:00-24:30"]}}, "calendars.test.hours.mon"),
        ({"hours": {"mon": ["09:00-12:00", "11:00-18:00"]}}, "calendars.test.hours.mon"),
        ({"hours": {"mon": ["22:00-09:00"], "tue": ["08:00-12:00"]}}, "calendars.test.hours"),
        ({"hours": "09:00-18:00"}, "calendars.test.hours"),
        ({"zone": "Mars/Olympus"}, "calendars.test.zone"),
        ({"holidays": "XX"}, "calendars.test.holidays"),
        ({"holidays": "DE-QQ"}, "calendars.test.holidays"),
        ({"announced": "2027"}, "calendars.test.announced"),
        ({"strict": 1}, "calendars.test.strict"),
        ({"exceptions": {"2026-13-01": {"off": "x"}}}, "calendars.test.exceptions.2026-13-01"),
        ({"exceptions": {"2026-12-02/2026-12-01": {"off": "x"}}}, "calendars.test.exceptions.2026-12-02/2026-12-01"),
        ({"exceptions": {"2026-12-01": {"off": " "}}}, "calendars.test.exceptions.2026-12-01"),
        ({"exceptions": {"2026-12-01": {"off": "x", "work": "y"}}}, "calendars.test.exceptions.2026-12-01"),
        ({"exceptions": {"2026-12-01": {"off": "x", "hours": ["09:00-12:00"]}}}, "calendars.test.exceptions.2026-12-01"),
        ({"exceptions": {"2026-12-01": {"work": "x", "hours": []}}}, "calendars.test.exceptions.2026-12-01"),
        ({"exceptions": {"2026-12-01/2026-12-03": {"off": "x"}, "2026-12-02": {"off": "y"}}}, "calendars.test.exceptions.2026-12-02"),
    ],
)
def test_a_wrong_definition_names_its_place(table: dict[str, Any], place: str) -> None:
    """Whatever cannot be meant stops the start and says at which key."""
    with pytest.raises(errors.SettingWrong) as caught:
        calendar(**table)
    assert caught.value.facts["setting"] == place


# --- laws


@st.composite
def moments(draw: st.DrawFn) -> tuple[Calendar, dt.datetime]:
    """A calendar of any kind and an instant, often near a change of the clock."""
    pattern, zone = draw(st.sampled_from(PATTERNS)), draw(st.sampled_from(ZONES))
    country = draw(st.sampled_from(("", "CN", "DE")))
    date = draw(st.one_of(st.dates(dt.date(2024, 1, 1), dt.date(2027, 12, 31)), st.sampled_from(CHANGES[zone])))
    instant = dt.datetime.combine(date, dt.time(), ZoneInfo(zone)).astimezone(dt.UTC) + dt.timedelta(minutes=draw(st.integers(0, 1440)))
    return _calendar(zone, PATTERNS.index(pattern), country), instant


def _changes(zone: str) -> list[dt.date]:
    dates = [dt.date(2025, 1, 1) + dt.timedelta(days=n) for n in range(730)] + [dt.date(2011, 12, 29), dt.date(2011, 12, 30)]
    offsets = [dt.datetime.combine(date, dt.time(), ZoneInfo(zone)).utcoffset() for date in dates]
    return [dates[n] for n in range(len(dates) - 1) if offsets[n] != offsets[n + 1]] or dates[:1]


CHANGES = {zone: _changes(zone) for zone in ZONES}
_made: dict[tuple[str, int, str], Calendar] = {}


def _calendar(zone: str, pattern: int, country: str) -> Calendar:
    key = (zone, pattern, country)
    if key not in _made:
        _made[key] = calendar(zone, hours=PATTERNS[pattern], holidays=country)
    return _made[key]


HOURS = st.integers(0, 20_000).map(lambda minutes: dt.timedelta(minutes=minutes))


@settings(deadline=None, derandomize=True, max_examples=300)
@given(moments(), HOURS)
def test_what_was_added_is_what_lies_between(case: tuple[Calendar, dt.datetime], hours: dt.timedelta) -> None:
    """Hours added and hours counted are the same, both ways."""
    working, start = case
    due = working.add(start, hours=hours)
    assert working.worked(start, due) == hours and working.worked(due, start) == -hours


@settings(deadline=None, derandomize=True, max_examples=300)
@given(moments(), st.integers(0, 30))
def test_days_added_are_the_days_between(case: tuple[Calendar, dt.datetime], days: int) -> None:
    """So are days."""
    working, start = case
    assert working.days_between(start, working.add(start, days=days)) == days


@settings(deadline=None, derandomize=True, max_examples=300)
@given(moments(), st.integers(0, 10), HOURS, st.integers(0, 3000))
def test_later_never_leads_to_earlier(case: tuple[Calendar, dt.datetime], days: int, hours: dt.timedelta, more: int) -> None:
    """A later start, more hours or another day never give an earlier end."""
    working, start = case
    due = working.add(start, days=days, hours=hours)
    assert due <= working.add(start + dt.timedelta(minutes=more), days=days, hours=hours)
    assert due <= working.add(start, days=days, hours=hours + dt.timedelta(minutes=more))
    assert due <= working.add(start, days=days + 1, hours=hours)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(moments(), st.integers(0, 10), HOURS)
def test_no_sum_lands_in_closed_time(case: tuple[Calendar, dt.datetime], days: int, hours: dt.timedelta) -> None:
    """The end is open, or the very moment of closing."""
    working, start = case
    due = working.add(start, days=days, hours=hours)
    assert due >= start and (working.is_open(due) or working.previous_closing(due) == due)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(moments())
def test_openings_and_closings_fit_together(case: tuple[Calendar, dt.datetime]) -> None:
    """Between a closing and the next opening nothing is worked, and the opening is open."""
    working, moment = case
    opening = working.next_opening(moment)
    assert opening >= moment and working.is_open(opening) and working.worked(moment, opening) == dt.timedelta()
    closing = working.previous_closing(moment)
    assert closing <= moment
    if not working.is_open(moment):
        assert working.worked(closing, opening) == dt.timedelta()


def test_the_library_still_says_which_years_are_announced() -> None:
    """The sign by which an announced year is known, its make-up days, is there for every year since the notices began."""
    worked = holidays.country_holidays("CN", years=range(2001, 2027)).weekend_workdays
    assert {date.year for date in worked} >= set(range(2001, 2027))
