"""Work that takes seconds leaves threads to everybody else, and each person one at a time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from web_office import Office

from engine.errors import ServerBusy
from engine.studio import whatif
from webapp.long_work import Places


@contextlib.contextmanager
def working(places: Places, *persons: str) -> Iterator[None]:
    """Somebody's work that goes on, each in a thread of its own."""
    begun, end = threading.Barrier(len(persons) + 1), threading.Event()

    def work(person: str) -> None:
        with places.taken(person):
            begun.wait(10)
            end.wait(10)

    threads = [threading.Thread(target=work, args=(person,)) for person in persons]
    for thread in threads:
        thread.start()
    try:
        begun.wait(10)
        yield
    finally:
        end.set()
        for thread in threads:
            thread.join(10)


def test_two_threads_are_left() -> None:
    """However many work; who comes then is refused at once, and not when one is through."""
    places = Places(5)
    with working(places, "a", "b"), places.taken("c"):
        for person in ("d", "a"):
            with pytest.raises(ServerBusy), places.taken(person):
                pass
    with places.taken("d"):
        pass


def test_a_server_of_two_threads_does_one_at_a_time() -> None:
    """Rather than none."""
    places = Places(2)
    with places.taken("a"), pytest.raises(ServerBusy), places.taken("b"):
        pass
    with places.taken("b"):
        pass


def test_a_second_work_of_the_same_person_waits_for_the_first() -> None:
    """A while; then it is refused, and nobody else is kept from working."""
    places, order = Places(8, patience=10), []
    with working(places, "a"):

        def second() -> None:
            with places.taken("a"):
                order.append("second")

        waits = threading.Thread(target=second)
        waits.start()
        with places.taken("b"):
            order.append("other")
    waits.join(10)
    assert order == ["other", "second"]
    hasty = Places(8, patience=0.01)
    with working(hasty, "a"), pytest.raises(ServerBusy), hasty.taken("a"):
        pass


def test_one_person_does_not_take_all_places_by_waiting() -> None:
    """Half of them at most, with those that wait."""
    places = Places(6, patience=10)
    refused: list[bool] = []
    with working(places, "a"):
        waits = threading.Thread(target=lambda: refused.append(_refused(places, "a")))
        waits.start()
        while places._persons["a"][1] < 2:
            pass
        assert _refused(places, "a") and not _refused(places, "b")
    waits.join(10)
    assert refused == [False] and places._persons == {}


def _refused(places: Places, person: str) -> bool:
    try:
        with places.taken(person):
            return False
    except ServerBusy:
        return True


def test_the_page_says_that_the_server_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a way to try again; the inbox is answered meanwhile, and afterwards everything is as before."""
    with Office(tmp_path, threads=3) as office:
        begun, go_on = threading.Event(), threading.Event()
        look = whatif.look

        def slow(*given: Any, **more: Any) -> Any:
            begun.set()
            assert go_on.wait(30)
            return look(*given, **more)

        monkeypatch.setattr(whatif, "look", slow)
        page, first, second = "/studio/office/what-if", office.browser("admin", "zh-CN"), office.browser("sunzhiyuan", "zh-CN")
        given: list[int] = []
        works = threading.Thread(target=lambda: given.append(first.get(page).status_code))
        works.start()
        try:
            assert begun.wait(30)
            busy = second.get(page)
            assert (busy.status_code, busy.headers["Retry-After"]) == (503, "2")
            assert "服务器正忙" in busy.text and f'href="{page}"' in busy.text
            assert second.get("/inbox").status_code == 200
        finally:
            go_on.set()
            works.join(30)
        assert given == [200] and second.get(page).status_code == 200
