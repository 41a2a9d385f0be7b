"""`partwell bench modeler`: what somebody who draws waits for, in a real browser.

Opening is told from the beginning of the navigation to the frame that shows the diagram; a key and a move of the mouse from their event to
the frame after it. The server is a process of its own, as `partwell up` sets it up; what it does for a page is in the figures.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import procedures
from engine.bench import diagrams
from engine.bench.six_tasks import percentile
from engine.errors import PartwellError
from engine.settings import Settings
from engine.studio import changing

from .. import FORMS, PROCEDURES, create_services
from ..demo import roster, seed
from ..demo.systems import offline
from .places import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update")
#: a desk's screen
_SCREEN: ViewportSize = {"width": 1280, "height": 844}
_LARGE, _TYPED = 500, " and 12 > 3"

#: `measured.ready` is the time of the frame that shows the diagram; `measured.frames` those from each event of a kind to the frame after it
_WATCH = """
globalThis.measured = { ready: null, frames: [] };
const framed = (done) =>
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = done;
    port2.postMessage(0);
  });
new MutationObserver((_, watch) => {
  if (!document.querySelector('#studio[data-ready]')) return;
  watch.disconnect();
  framed(() => (measured.ready = performance.now()));
}).observe(document, { subtree: true, attributes: true, attributeFilter: ['data-ready'] });
for (const kind of ['keydown', 'mousemove', 'mousedown', 'mouseup'])
  addEventListener(kind, ({ timeStamp }) => framed(() => measured.frames.push([kind, performance.now() - timeStamp])), true);
"""
_EDITOR = "document.getElementById('studio').studio"


class NoPlaywright(PartwellError):
    """The modeler is measured in a browser, which the Python package playwright drives; it is not installed (pip install playwright)."""


class NoChromium(PartwellError):
    """The modeler is measured in Chromium, which is not installed: none of the programs {names} was found."""


def modeler(rounds: int) -> dict[str, Any]:
    """The shipped dismissal and a diagram of 500 elements, each opened `rounds` times by a new browser and by one that has been there.

    Raises NoPlaywright, NoChromium.
    """
    with _chromium() as browser, tempfile.TemporaryDirectory(prefix="partwell-bench-") as folder:
        settings = offline(Settings(home=Path(folder)))
        _furnish(settings)
        with served(settings) as (port, _):
            desk = _Desk(browser, f"http://127.0.0.1:{port}")
            usual = {"first_ms": desk.first("termination.bpmn"), **desk.opened("termination.bpmn", rounds), **desk.typed()}
            large = {**desk.opened("large.bpmn", rounds), **desk.moved(), **desk.typed()}
    return {"rounds": rounds, "dismissal": usual, "large": large, "load": round(os.getloadavg()[0], 2)}


@contextlib.contextmanager
def _chromium() -> Iterator[Browser]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise NoPlaywright from error
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise NoChromium(names=", ".join(BROWSERS))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(_OPTIONS))
        try:
            yield browser
        finally:
            browser.close()


def _furnish(settings: Settings) -> None:
    """The demo company, and in the draft of its dismissal one diagram more."""
    services = create_services(settings)
    seed.load(services, procedures.gather(PROCEDURES / "termination", FORMS))
    office = diagrams.office(_LARGE)
    for path, content in {"large.bpmn": office["office.bpmn"], "forms/bench.form": office["forms/bench.form"]}.items():
        changing.save(services, "termination", path, content, revision=None, base=None, actor=None)
    services.database.dispose()


class _Desk:
    """A process owner who is logged in."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser, self._edit = browser, f"{address}/studio/termination/edit/"
        context = browser.new_context(viewport=_SCREEN, locale="zh-CN")
        page = context.new_page()
        page.goto(f"{address}/log-in")
        page.fill("[name=login]", roster.ADMIN[0])
        page.fill("[name=password]", seed.PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url("**/inbox")
        self._known = context.storage_state()
        context.close()
        self._page: Page | None = None

    def _new(self) -> Page:
        """In a browser that has loaded nothing yet; the one before it is closed."""
        if self._page is not None:
            self._page.context.close()
        self._page = self._browser.new_context(viewport=_SCREEN, locale="zh-CN", storage_state=self._known).new_page()
        self._page.add_init_script(_WATCH)
        self._line = self._page.context.new_cdp_session(self._page)
        self._line.send("Performance.enable", {"timeDomain": "threadTicks"})
        return self._page

    def _worked(self) -> float:
        """Milliseconds of processor time that the page's own thread has used so far."""
        figures = self._line.send("Performance.getMetrics")["metrics"]
        return 1000 * next(float(each["value"]) for each in figures if each["name"] == "TaskDuration")

    def _open(self, page: Page, path: str) -> tuple[float, float]:
        """Milliseconds until the diagram is drawn, and what of them its thread worked; the check has answered afterwards."""
        page.goto("about:blank")
        before = self._worked()
        page.goto(self._edit + path)
        page.locator("#studio[data-ready]").wait_for(timeout=120_000)
        worked = self._worked() - before
        page.locator(".studio-count").first.wait_for(timeout=120_000)
        return float(page.evaluate("measured.ready")), worked

    def first(self, path: str) -> float:
        """Of a server that has just started."""
        return round(self._open(self._new(), path)[0])

    def opened(self, path: str, rounds: int) -> dict[str, Any]:
        cold = [self._open(self._new(), path) for _ in range(rounds)]
        page = self.page
        self._open(page, path)  # from now on the browser keeps what it has compiled, too
        warm = [self._open(page, path) for _ in range(rounds)]
        shapes = f"{_EDITOR}.diagram.get('elementRegistry').filter((each) => !each.labelTarget && each.parent).length"
        ways = {"cold": cold, "warm": warm}
        return {
            "elements": page.evaluate(shapes),
            **{f"{way}_ms": _shares([seconds for seconds, _ in taken]) for way, taken in ways.items()},
            **{f"{way}_processor_ms": round(statistics.median(worked for _, worked in taken)) for way, taken in ways.items()},
        }

    @property
    def page(self) -> Page:
        assert self._page is not None
        return self._page

    def _frames(self, kind: str, act: Callable[[], None]) -> list[float]:
        self.page.evaluate("void (measured.frames.length = 0)")
        act()
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
        return [milliseconds for each, milliseconds in self.page.evaluate("measured.frames") if each == kind]

    def typed(self) -> dict[str, Any]:
        """Into the condition of a flow, with its completion."""
        page = self.page
        page.evaluate(
            f"(() => {{ const d = {_EDITOR}.diagram; const flow = d.get('elementRegistry').find((each) => each.waypoints &&"
            " each.businessObject.conditionExpression); d.get('selection').select(flow); })()"
        )
        group = page.locator(".bio-properties-panel-group[data-group-id=group-condition]")
        field = group.locator(".cm-content")
        group.wait_for()
        if not field.is_visible():
            group.locator(".bio-properties-panel-group-header").click()
        field.click()
        page.keyboard.press("End")
        frames = self._frames("keydown", lambda: page.keyboard.type(_TYPED * 3, delay=30))
        return {"key_ms": _shares(frames)}

    def moved(self) -> dict[str, Any]:
        """A step is selected and dragged, what comes of it is stored and checked."""
        page = self.page
        id = page.evaluate(f"{_EDITOR}.diagram.get('elementRegistry').filter((each) => /UserTask/.test(each.type))[3].id")
        page.evaluate(f"(id) => {{ const s = {_EDITOR}; s.reveal(id); s.diagram.get('selection').select(null); }}", id)
        box = page.locator(f'.djs-element[data-element-id="{id}"]').bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        selected = self._frames("mouseup", lambda: page.mouse.click(x, y))
        page.mouse.down()
        steps = self._frames("mousemove", lambda: page.mouse.move(x + 60, y + 30, steps=20))
        dropped = self._frames("mouseup", page.mouse.up)
        timed = "(async () => {{ const began = performance.now(); await {}; return performance.now() - began; }})()"
        return {
            "select_ms": round(selected[0], 1),
            "move_ms": _shares(steps),
            "drop_ms": round(dropped[0], 1),
            "save_ms": round(page.evaluate(timed.format(f"{_EDITOR}.keeper.save()")), 1),
            "check_ms": round(page.evaluate(timed.format(f"({_EDITOR}.findings.soon(0), {_EDITOR}.findings.ready)")), 1),
        }


def _shares(took: Sequence[float]) -> dict[str, float]:
    return {"median": round(statistics.median(took), 1), "p95": round(percentile(took, 0.95), 1), "max": round(max(took), 1)}
