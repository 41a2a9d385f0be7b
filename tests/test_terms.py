"""How much working time is left of a piece of work."""

import datetime as dt

import pytest

from engine import terms
from engine.calendar import Calendars

CALENDARS = Calendars({}, zone="Asia/Shanghai")
#: the Tuesday on which it all begins
DAY = dt.datetime(2026, 11, 24, tzinfo=dt.timezone(dt.timedelta(hours=8)))


def at(day: int, hour: int, minute: int = 0) -> dt.datetime:
    return DAY + dt.timedelta(days=day, hours=hour, minutes=minute)


@pytest.mark.parametrize(
    ("due", "now", "level", "over", "days", "minutes"),
    [
        ((2, 9), (0, 9), "green", False, 2, 16 * 60),
        ((2, 9), (1, 9), "green", False, 1, 8 * 60),
        ((2, 9), (1, 14), "amber", False, 0, 4 * 60),
        ((2, 9), (1, 17, 30), "amber", False, 0, 30),
        ((2, 9), (2, 10), "red", True, 0, 60),
        ((2, 9), (2, 8), "amber", False, 0, 0),
        # Friday's closing is over by nothing on Sunday, and by its hours at Monday's
        ((3, 18), (5, 12), "red", True, 0, 0),
        ((3, 18), (6, 18), "red", True, 0, 8 * 60),
    ],
)
def test_the_level_and_what_is_left(due: tuple[int, ...], now: tuple[int, ...], level: str, over: bool, days: int, minutes: int) -> None:
    """Nights and weekends take nothing away; it turns amber in the last third and red at the due time."""
    term = terms.of(CALENDARS, None, at(0, 9), at(*due), at(*now))
    assert term == terms.Term(level=level, over=over, days=days, minutes=minutes)


def test_without_a_due_time_nothing_is_told() -> None:
    """Nothing due, nothing left; nor is anything reckoned over decades."""
    assert terms.of(CALENDARS, None, at(0, 9), None, at(0, 9)) is None
    assert terms.of(CALENDARS, None, at(0, 9), at(9000, 9), at(0, 9)) is None
    assert terms.of(CALENDARS, None, at(-9000, 9), at(1, 9), at(0, 9)) is not None
