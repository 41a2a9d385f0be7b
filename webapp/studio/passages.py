"""What changed in a text, word by word: what was taken out and put in stands where it was, with a little around it."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator

from . import wording

#: lines around a change
_CONTEXT = 3
#: pairs of words that are compared at most; beyond that the whole passage counts as replaced
_PAIRS = 4_000_000
#: letters on each side of a change in a long line
_BESIDE = 40
#: letters that are shown of a file that is only on one side
_LONGEST = 20_000
#: a content item of a letter, a word of letters or digits, blanks, or one other sign, as each Chinese one is
_WORD = re.compile(r"〔[^〕\n]*〕|[A-Za-z0-9_]+|[^\S\n]+|.", re.DOTALL)


def passages(before: str, after: str) -> list[tuple[str, str]]:
    """(`same`, `added`, `removed` or `gap`, text) in the order of the text; empty where nothing differs."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    found: list[tuple[str, str]] = []
    at = 0
    for group in difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(_CONTEXT):
        if group[0][3] > at:
            found.append(("gap", ""))
        at = group[-1][4]
        for tag, i, j, k, l in group:  # noqa: E741  (as difflib calls them)
            was, now = "".join(old[i:j]), "".join(new[k:l])
            found += [("same", now)] if tag == "equal" else _words(was, now)
    if found and at < len(new):
        found.append(("gap", ""))
    return found


def _words(before: str, after: str) -> Iterator[tuple[str, str]]:
    old, new = _WORD.findall(before), _WORD.findall(after)
    if len(old) * len(new) > _PAIRS:
        yield from ((kind, text) for kind, text in (("removed", before), ("added", after)) if text)
        return
    for tag, i, j, k, l in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():  # noqa: E741
        if tag == "equal":
            yield "same", "".join(new[k:l])
            continue
        if i < j:
            yield "removed", "".join(old[i:j])
        if k < l:
            yield "added", "".join(new[k:l])


def around(before: str, after: str) -> list[tuple[str, str]]:
    """As `passages`, of one line: of what stays the same only the ends beside a change are kept."""
    found: list[tuple[str, str]] = []
    pieces = list(_words(before, after))
    for number, (kind, text) in enumerate(pieces):
        if kind == "same" and len(text) > 2 * _BESIDE:
            head = text[:_BESIDE] if number else ""
            tail = text[-_BESIDE:] if number + 1 < len(pieces) else ""
            text = f"{head}…{tail}"
        found.append((kind, text if len(text) <= _LONGEST else text[:_LONGEST] + "…"))
    return found


def readable(content: bytes | None, path: str) -> str | None:
    """A file as a text to compare, JSON laid out always the same; None: it is no text. A file that is not there is empty."""
    if content is None:
        return ""
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    if path.endswith((".json", ".form")):
        try:
            return json.dumps(json.loads(text), ensure_ascii=False, indent=2) + "\n"
        except (ValueError, RecursionError):
            pass
    return text


def of(before: bytes | None, after: bytes | None, path: str) -> list[tuple[str, str]]:
    """As `passages`, of the contents of a file; what is only on one side is cut after a few pages."""
    found = wording.both(before, after) if path.endswith(".html") else None
    old, new = found or (readable(before, path), readable(after, path))
    if old is None or new is None:
        return []
    if before is None or after is None:
        text = new or old
        whole = [("added" if before is None else "removed", text[:_LONGEST])]
        return [*whole, ("gap", "")] if len(text) > _LONGEST else whole
    return passages(old, new)
