"""Sets one document by typst, as a program of its own: no template can take the memory or the time of the process that asks.

Reads JSON {source, inputs, fonts, font_family} from standard input. Exit code 0: the PDF is on standard output; 1: the reason why there
is none. `font_family` must be the only one in the folder `fonts`.
"""

from __future__ import annotations

import contextlib
import json
import re
import resource
import sys
import tempfile

import typst

#: bytes of memory and seconds of processor time; a report of fifty pages takes a tenth of either
MEMORY, SECONDS = 1 << 30, 20


class Unprintable(Exception):
    """Why there is no PDF, in words for who wrote the template."""


def pdf(source: str, *, inputs: dict[str, str], fonts: str, font_family: str) -> bytes:
    """PDF/A-2b bytes. Raises Unprintable."""
    found = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[fonts])
    if found.families() != [font_family]:
        raise Unprintable(f"{fonts} holds {found.families()}, needed is exactly {font_family}")
    try:
        # typst reads files below its root only, and in this one there are none
        with tempfile.TemporaryDirectory(prefix="partwell-typst-") as root:
            made, warnings = typst.compile_with_warnings(
                source.encode(), root=root, font_paths=found, sys_inputs=inputs, pdf_standards=["a-2b"]
            )
    except typst.TypstError as error:
        raise Unprintable(_place(error)) from error
    if warnings:
        raise Unprintable("; ".join(_place(warning) for warning in warnings))
    assert isinstance(made, bytes)
    return made


def _place(error: typst.TypstError | typst.TypstWarning) -> str:
    """What is wrong and in which line of the template."""
    line = re.search(r"\.typ:(\d+):", error.diagnostic or "")
    return error.message + (f" (line {line[1]})" if line else "")


def main() -> int:
    with contextlib.suppress(ValueError):  # some systems know no such limits
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        sys.stdout.buffer.write(pdf(**json.load(sys.stdin.buffer)))
    except Unprintable as error:
        sys.stdout.buffer.write(str(error).encode())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
