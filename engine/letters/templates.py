"""Which file of a procedure a step means that names a letter: in the language of the case where there is one of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath

FOLDER = "letters"
RENDER, DRAFT = "document.render", "document.draft"
#: the header in which a step names its letter
HEADER = "template"
#: endings of the files of which an operation makes letters, the first before the others
ENDINGS: Mapping[str, Sequence[str]] = {RENDER: (".html", ".typ"), DRAFT: (".txt",)}
#: languages of letters, as they are added to a name: `notice_en.html`
_LANGUAGES = ("zh", "en")


def paths(template: str, operation: str, files: Collection[str]) -> list[str]:
    """The files that a template may stand for, in whatever language."""
    names = (template, *(f"{template}_{language}" for language in _LANGUAGES))
    return [path for name in names for ending in ENDINGS[operation] if (path := f"{FOLDER}/{name}{ending}") in files]


def path(template: str, operation: str, locale: str, files: Collection[str]) -> str | None:
    """The file for a case in this language."""
    names = (f"{template}_{locale.split('-')[0]}", template)
    found = (f"{FOLDER}/{name}{ending}" for name in names for ending in ENDINGS[operation])
    return next((each for each in found if each in files), None)


def served(path: str) -> tuple[frozenset[str], str] | None:
    """Names by which steps mean a file, and the operation that makes a letter of it; None for what is no letter."""
    name = PurePosixPath(path)
    operation = next((each for each, endings in ENDINGS.items() if name.suffix in endings), None)
    if operation is None or name.parent != PurePosixPath(FOLDER):
        return None
    stem, _, language = name.stem.rpartition("_")
    return frozenset((name.stem, stem) if language in _LANGUAGES and stem else (name.stem,)), operation


def language(path: str) -> str | None:
    """`zh` or `en` of a letter's file that its name says to be for cases in that language."""
    of = served(path)
    return PurePosixPath(path).stem.rpartition("_")[2] if of and len(of[0]) > 1 else None


def known(operation: str, files: Collection[str]) -> list[str]:
    """Names of the letters that there are for an operation."""
    return sorted(PurePosixPath(each).stem for each in files if (of := served(each)) and of[1] == operation)
