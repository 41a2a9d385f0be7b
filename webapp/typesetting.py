"""Sets one document by typst, as a program of its own: no template can take the memory or the time of the process that asks.

Reads JSON {source, inputs, fonts, font_family, resolution} from standard input. Exit code 0: the document is on standard output, the PDF
itself, or, where a resolution (dots per inch) is given, a JSON list of the pages as PNG in base64; 1: the reason why there is none; 3: a
character that the font does not have.
`font_family` must be the only one in the folder `fonts`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import resource
import sys
import tempfile

import typst

#: bytes of memory and seconds of processor time; a report of fifty pages takes a tenth of either
MEMORY, SECONDS = 1 << 30, 20


_LACKING = re.compile(r'the text `"(.+?)"` could not be displayed')


class Unprintable(Exception):
    """Why there is no document, in words for who wrote the template."""


class Lacking(Exception):
    """A character that the font does not have."""


def document(source: str, *, inputs: dict[str, str], fonts: str, font_family: str, resolution: int | None = None) -> bytes:
    """PDF/A-2b bytes, or the pages as JSON. Raises Unprintable, Lacking."""
    found = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[fonts])
    if found.families() != [font_family]:
        raise Unprintable(f"{fonts} holds {found.families()}, needed is exactly {font_family}")
    try:
        # typst reads files below its root only, and in this one there are none
        with tempfile.TemporaryDirectory(prefix="partwell-typst-") as root:
            given = {"root": root, "font_paths": found, "sys_inputs": inputs}
            wanted = {"pdf_standards": ["a-2b"]} if resolution is None else {"format": "png", "ppi": resolution}
            made, warnings = typst.compile_with_warnings(source.encode(), **given, **wanted)
    except typst.TypstError as error:
        if lacking := _LACKING.search(error.message):
            raise Lacking(lacking[1]) from error
        raise Unprintable(_place(error)) from error
    if warnings:
        raise Unprintable("; ".join(_place(warning) for warning in warnings))
    if resolution is None:
        assert isinstance(made, bytes)
        return made
    pages = made if isinstance(made, list) else [made]
    return json.dumps([base64.b64encode(page).decode() for page in pages]).encode()


def _place(error: typst.TypstError | typst.TypstWarning) -> str:
    """What is wrong and in which line of the template."""
    line = re.search(r"\.typ:(\d+):", error.diagnostic or "")
    return error.message + (f" (line {line[1]})" if line else "")


def main() -> int:
    with contextlib.suppress(ValueError):  # some systems know no such limits
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        sys.stdout.buffer.write(document(**json.load(sys.stdin.buffer)))
    except Unprintable as error:
        sys.stdout.buffer.write(str(error).encode())
        return 1
    except Lacking as error:
        sys.stdout.buffer.write(str(error).encode())
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
