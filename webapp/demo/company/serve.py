"""Starts and stops the sample company."""

from __future__ import annotations

import datetime as dt
import json
import signal
import threading
from pathlib import Path
from zoneinfo import ZoneInfo

from waitress.server import create_server

from webapp.demo.company.app import create_app
from webapp.demo.company.mailbox import Mailbox
from webapp.demo.company.store import Store

_ZONE = ZoneInfo("Asia/Shanghai")


def serve(home: Path, port: int, smtp_port: int, today: dt.date | None = None) -> None:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT; port 0 takes any free one.

    When ready, prints one JSON line `{"http": address, "smtp": port, "token": secret}`. The file `company.db` in `home`
    is made at the first start; with `today` the company's calendar stands still on that day.
    """

    def clock() -> dt.datetime:
        now = dt.datetime.now(_ZONE)
        return dt.datetime.combine(today, now.timetz()) if today else now

    home.mkdir(parents=True, exist_ok=True)
    store = Store(home / "company.db", clock().date())
    stopping = threading.Event()
    mailbox = Mailbox(store, smtp_port, clock)
    server = create_server(create_app(store, clock, stopping), host="127.0.0.1", port=port, threads=32)  # many may be waiting in a fault

    def stop(*_: object) -> None:
        stopping.set()
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    ready = {"http": f"http://127.0.0.1:{server.effective_port}", "smtp": mailbox.port, "token": store.token}
    print(json.dumps(ready), flush=True)
    try:
        server.run()
    finally:
        server.close()
        mailbox.close()
        store.close()
