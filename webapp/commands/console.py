"""What the console says, in the language of whoever sits there: help, refused calls, and what the commands tell.

The language is that of `--lang`, wherever it stands among the arguments, else of the first of PARTWELL_LANG, LC_ALL, LC_MESSAGES and
LANG that is set: Chinese where it names Chinese, English otherwise. JSON is for programs and always in English; so are log lines.
"""

from __future__ import annotations

import inspect
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import click

from .. import i18n
from ..i18n import N_, gettext

_ENVIRONMENT = ("PARTWELL_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
#: what click says of an option by itself
_NOTES = (N_("default: "), N_("required"))
_HEADINGS = (N_("Options"), N_("Commands"))
#: help of the options that all commands have
_LANGUAGE = N_("Language of what is said; default: the terminal's (PARTWELL_LANG, LC_ALL, LC_MESSAGES, LANG). JSON is always in English.")
_CLICKS = (N_("Show this message and exit."), N_("Show the version and exit."))


def language(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """A language of `i18n.LOCALES` for a call with these arguments."""
    wanted = [given for option, given in pairwise(arguments) if option == "--lang"]
    wanted += [argument.removeprefix("--lang=") for argument in arguments if argument.startswith("--lang=")]
    wanted += [environ[name] for name in _ENVIRONMENT if environ.get(name)]
    return "zh-CN" if wanted and wanted[0].lower().startswith("zh") else "en"


def say(text: str, *, err: bool = False, **values: Any) -> None:
    """One line in the language of the terminal; `values` fill the text's %(places)s."""
    click.echo(gettext(text, **values), err=err)


def say_progress(played: int, of: int) -> None:
    """On standard error, how many scenarios are done; on a terminal all on one line."""
    told = gettext("Playing scenarios: %(played)s of %(of)s", played=played, of=of)
    if sys.stderr.isatty():
        click.echo(f"\r{told}", err=True, nl=played == of)
    else:
        click.echo(told, err=True)


def refuse(error: click.ClickException) -> None:
    """Tell on standard error what is wrong with a call, and where its help is."""
    context = getattr(error, "ctx", None)
    if context is not None and not isinstance(error, click.exceptions.NoArgsIsHelpError):  # that one is the help itself
        click.echo(context.get_usage(), err=True)
        say(N_("%(command)s --help says more."), command=context.command_path, err=True)
    click.echo(i18n.reason(error.format_message()), err=True)


# --- help


def paragraphs(help: str | None) -> list[str]:
    """The paragraphs of a docstring, each on one line: so they stand in the catalogues."""
    return [" ".join(paragraph.split()) for paragraph in inspect.cleandoc(help or "").split("\n\n")]


class _Help(click.HelpFormatter):
    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or gettext("Usage: "))

    def write_heading(self, heading: str) -> None:
        super().write_heading(gettext(heading))

    def write_text(self, text: str) -> None:
        told = [_folded(gettext(paragraph), self.width - self.current_indent) for paragraph in paragraphs(text)]
        super().write_text("\n\n".join(told))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        rows = list(rows)
        first = min(max((len(name) for name, _ in rows), default=0), col_max) + col_spacing
        told = [(name, _folded(_noted(text), self.width - first - 2)) for name, text in rows]
        super().write_dl(told, col_max, col_spacing)


def _noted(text: str) -> str:
    """An option's help with the notes that click adds in brackets."""
    help, opening, notes = text.partition("  [")
    for note in _NOTES:
        notes = notes.replace(note, gettext(note))
    return gettext(help) + opening + notes if help else ""


def _folded(text: str, width: int) -> str:
    """Chinese has no blanks at which click could fold it, and its characters are two columns wide; `\\b` keeps our lines."""
    return text if text.isascii() else "\b\n" + "\n".join(_lines(text, width))


def _lines(text: str, width: int) -> Iterator[str]:
    line = ""
    for piece in re.findall(r"[!-~]+ ?|.[，。、；：！？）》”]*", text):
        if line and columns((line + piece).rstrip()) > width:
            yield line.rstrip()
            line = ""
        line += piece
    yield line


def columns(text: str) -> int:
    """Columns that it takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


class _Context(click.Context):
    formatter_class = _Help


class Command(click.Command):
    """A command whose help is told in the language of the terminal."""

    context_class = _Context

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.params.append(click.Option(["--lang"], metavar="|".join(i18n.LOCALES), expose_value=False, help=_LANGUAGE))

    def get_short_help_str(self, limit: int = 45) -> str:
        told = gettext(paragraphs(self.help)[0])
        if told.isascii():
            return super().get_short_help_str(limit)
        first, *more = _lines(re.split("[。：；]", told)[0], limit)
        return f"{first}…" if more else first


class Group(Command, click.Group):
    """The same for a group of commands."""

    command_class = Command
    group_class = type
