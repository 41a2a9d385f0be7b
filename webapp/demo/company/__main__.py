"""`python -m webapp.demo.company`: the sample company as a process of its own."""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

from webapp.demo.company.serve import serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m webapp.demo.company", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of the company's own SQLite file")
    parser.add_argument("--port", type=int, default=0, help="HTTP port on 127.0.0.1; 0 takes any free one")
    parser.add_argument("--smtp-port", type=int, default=0, help="SMTP port on 127.0.0.1; 0 takes any free one")
    parser.add_argument("--today", type=dt.date.fromisoformat, default=None, help="let the calendar stand still on this day")
    options = parser.parse_args()
    serve(options.home, options.port, options.smtp_port, options.today)


if __name__ == "__main__":
    main()
