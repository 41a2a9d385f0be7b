"""What the property `accept` of a filepicker lets in, by what a file is and not by what it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

#: media type -> the endings that names of such files have
FileTypes = Mapping[str, Sequence[str]]


def accepted(accept: str, types: FileTypes) -> FileTypes:
    """Of the types those that an `accept` names, as HTML has it: endings such as `.pdf`, types, `image/*`; all where it names nothing.

    An ending stands for its type: where `.jpg` is wanted a `.jpeg` is right, too, and what only calls itself so is not.
    """
    wanted = [each for each in (part.strip().lower() for part in accept.split(",")) if each]
    if not wanted or not types or "*/*" in wanted:
        return types
    return {kind: endings for kind, endings in types.items() if any(_names(one, kind, endings) for one in wanted)}


def _names(wanted: str, kind: str, endings: Sequence[str]) -> bool:
    return wanted in (kind, *endings) or (wanted.endswith("/*") and kind.startswith(wanted[:-1]))
