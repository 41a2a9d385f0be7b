"""`python -m webapp.demo.company`: the sample company as a process of its own."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import signal
import sys
import threading
from pathlib import Path

from webapp.demo.company.serve import serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m webapp.demo.company", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of the company's own SQLite file")
    parser.add_argument("--port", type=int, default=0, help="HTTP port on 127.0.0.1; 0 takes any free one")
    parser.add_argument("--smtp-port", type=int, default=0, help="SMTP port on 127.0.0.1; 0 takes any free one")
    parser.add_argument("--today", type=dt.date.fromisoformat, default=None, help="let the calendar stand still on this day")
    parser.add_argument("--until-input-ends", action="store_true", help="stop when standard input is closed, as when its writer ended")
    options = parser.parse_args()
    if options.until_input_ends:
        threading.Thread(target=_stop_when_input_ends, name="input", daemon=True).start()
    serve(options.home, options.port, options.smtp_port, options.today)


def _stop_when_input_ends() -> None:
    while os.read(sys.stdin.fileno(), 1):  # unbuffered: a buffer's lock would be missed at the end
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
