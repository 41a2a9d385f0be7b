"""What people call the kinds of lines of a directory and their columns: in files, and on the pages."""

from __future__ import annotations

from collections.abc import Mapping

from engine.people.lines import ID, Fault

from .i18n import LOCALES, N_, catalogue, fill, gettext

KINDS = {
    "entities": N_("Legal entities"),
    "regions": N_("Regions"),
    "posts": N_("Posts"),
    "departments": N_("Departments"),
    "persons": N_("People"),
    "groups": N_("Groups"),
    "duties": N_("Duties"),
}
COLUMNS = {
    "key": N_("Code"),
    "name": N_("Name"),
    "name_en": N_("English name"),
    "parent": N_("Department above"),
    "head": N_("Head"),
    "entity": N_("Legal entity"),
    "from": N_("First day"),
    "to": N_("Last day"),
    "employee_no": N_("Employee number"),
    "login": N_("Login"),
    "email": N_("E-mail"),
    "mobile": N_("Mobile number"),
    "department": N_("Department"),
    "others": N_("Other departments"),
    "team": N_("Team"),
    "post": N_("Title"),
    "post_en": N_("English title"),
    "posts": N_("Posts held"),
    "manager": N_("Superior"),
    "region": N_("Region"),
    "grade": N_("Grade"),
    "roles": N_("Roles"),
    "active": N_("May act"),
    "members": N_("Members"),
    "duty": N_("Duty"),
    "person": N_("Person"),
    "scope": N_("Scope"),
    "ref": N_("For"),
    f"{ID}dingtalk": N_("Id at DingTalk"),
    f"{ID}wecom": N_("Id at WeCom"),
    f"{ID}feishu": N_("Id at Feishu"),
}

#: what else columns are called in people's own files
ALSO = {N_("Full name"): "name", N_("Main department"): "department", N_("Job title"): "post", N_("Date of hiring"): "from"}
ALSO |= {N_("Date of leaving"): "to", N_("Mail address"): "email", N_("Direct superior"): "manager", N_("Mobile phone"): "mobile"}
ALSO |= {N_("DingTalk userid"): f"{ID}dingtalk", N_("WeCom userid"): f"{ID}wecom"}
ALSO |= {N_("Feishu open_id"): f"{ID}feishu", N_("Feishu user_id"): f"{ID}feishu"}


#: what columns of people are called on pages, where that is another word
OF_PERSONS = {"name": N_("Full name"), "from": N_("Date of hiring"), "to": N_("Date of leaving")}


def label(kind: str, column: str) -> str:
    """What a column is called on a page; an unknown one as it is."""
    names = {**COLUMNS, **(OF_PERSONS if kind == "persons" else {})}
    return gettext(names[column]) if column in names else column.removeprefix(ID)


def called(names: Mapping[str, str], locale: str) -> dict[str, str]:
    """KINDS or COLUMNS in a language, for files."""
    translate = catalogue(locale).gettext
    return {name: translate(text) for name, text in names.items()}


def columns() -> dict[str, str]:
    """Heading in any language -> column."""
    also = {catalogue(locale).gettext(text): name for locale in LOCALES for text, name in ALSO.items()}
    return also | {text: name for locale in LOCALES for name, text in called(COLUMNS, locale).items()}


def kinds() -> dict[str, str]:
    """Title in any language -> kind."""
    return {text: kind for locale in LOCALES for kind, text in called(KINDS, locale).items()}


def told(fault: Fault) -> tuple[str, str]:
    """Where a fault is and what is wrong, in the language of the request."""
    place = [fault.where, gettext("line %(number)s", number=fault.line) if fault.line else "", _heading(fault.column)]
    return gettext(", ").join(filter(None, place)), fill(fault.template, fault.facts)


def _heading(column: str, headings: Mapping[str, str] = COLUMNS) -> str:
    return gettext(headings[column]) if column in headings else column
