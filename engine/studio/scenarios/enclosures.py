"""Files that people bring in a scenario: it names them, and their content is a blank one of the kind that the name says."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from PIL import Image, ImageDraw

from ...documents import media_type
from ...ports import File, Json


def named(name: str, kind: str = "attachment") -> File:
    """A blank file; a picture where the ending says nothing."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    content = _BLANK.get(ending, _picture)()
    name = name if ending in _BLANK else f"{name}.png"
    return File(kind=kind, name=name, media_type=media_type(name, content), content=content)


def signature() -> File:
    """A stroke that passes for somebody's name."""
    picture = Image.new("RGB", (320, 120), "white")
    pen = ImageDraw.Draw(picture)
    pen.line([(30, 80), (90, 30), (130, 90), (190, 35), (230, 85), (290, 50)], fill="black", width=5)
    return File(kind="signature", name="signature.png", media_type="image/png", content=_png(picture))


def brought(
    files: Mapping[str, Sequence[str]], values: Mapping[str, Json], store: Callable[[str, list[File]], Sequence[str]]
) -> dict[str, Json]:
    """The values with ids in place of names. `files`: names by the path of their field; `store` keeps files of a field and gives ids."""
    found = deepcopy(dict(values))
    for path, names in files.items():
        new = [name for name in names if not re.fullmatch("[0-9a-f]{32}", name)]
        ids = iter(store(path, [named(name) for name in new]) if new else ())
        _put(found, path, [next(ids) if name in new else name for name in names])
    return found


def without(files: Mapping[str, Sequence[str]], values: Mapping[str, Json]) -> dict[str, Json]:
    """The values with no file in any field."""
    found = deepcopy(dict(values))
    for path in files:
        _put(found, path, [])
    return found


def _put(values: Any, path: str, value: Json) -> None:
    *steps, last = re.findall(r"[^.\[\]]+", path)
    for step in steps:
        values = values[int(step)] if isinstance(values, list) else values[step]
    values[last] = value


def _picture() -> bytes:
    return _png(Image.new("RGB", (64, 64), "white"))


def _png(picture: Image.Image) -> bytes:
    kept = io.BytesIO()
    picture.save(kept, "PNG")
    return kept.getvalue()


def _jpeg() -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(kept, "JPEG")
    return kept.getvalue()


def _pdf() -> bytes:
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )


def _office(part: str) -> Callable[[], bytes]:
    def content() -> bytes:
        kept = io.BytesIO()
        with zipfile.ZipFile(kept, "w") as archive:
            archive.writestr("[Content_Types].xml", "<Types/>")
            archive.writestr(part, "<x/>")
        return kept.getvalue()

    return content


_BLANK: Mapping[str, Callable[[], bytes]] = {
    "png": _picture,
    "jpg": _jpeg,
    "jpeg": _jpeg,
    "pdf": _pdf,
    "txt": lambda: b"\n",
    "csv": lambda: b"\n",
    "docx": _office("word/document.xml"),
    "xlsx": _office("xl/workbook.xml"),
}
