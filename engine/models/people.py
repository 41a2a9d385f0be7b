"""The directory: who there is, where they belong and since when, what they hold, who stands in for them, how they log in.

What may begin or end on a day carries `from_day` and `to_day`: the first and the last day on which it holds, None without limit.
Nothing of it is overwritten to make a change: the old row gets its last day and a new one begins on the next.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id, Instant


class Dated:
    """Holds from one day to another, both included."""

    from_day: Mapped[dt.date | None]
    to_day: Mapped[dt.date | None]


class Entity(Base):
    """A legal entity that employs people."""

    __tablename__ = "entities"

    id: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str] = mapped_column(sa.String(200))


class Region(Base):
    """A place of work."""

    __tablename__ = "regions"

    id: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str] = mapped_column(sa.String(200))


class Department(Dated, Base):
    """One unit of the company's tree."""

    __tablename__ = "departments"

    #: short key, such as `customer-service`
    id: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str] = mapped_column(sa.String(200))
    parent_id: Mapped[str | None] = mapped_column(sa.ForeignKey("departments.id"))
    entity_id: Mapped[str | None] = mapped_column(sa.ForeignKey("entities.id"))


class Person(Base):
    """Somebody of the company, working there still or not."""

    __tablename__ = "persons"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    #: identity in the EHR
    employee_no: Mapped[str | None] = mapped_column(sa.String(50), unique=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    email: Mapped[str | None] = mapped_column(sa.String(200))
    #: as it was typed
    mobile: Mapped[str | None] = mapped_column(sa.String(50))
    #: what they are called where they are appointed to no post
    post: Mapped[str] = mapped_column(sa.String(100))
    post_en: Mapped[str] = mapped_column(sa.String(100))
    #: allowed to act, as long as they are employed
    active: Mapped[bool]
    #: first and last day of the employment; None where it is not known
    employed_from: Mapped[dt.date | None]
    employed_to: Mapped[dt.date | None]


class Placement(Dated, Base):
    """Where somebody stands in the company: one row on any day, so that they have one main department and one superior."""

    __tablename__ = "placements"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), index=True)
    #: the main department; `Membership` has the others
    department_id: Mapped[str | None] = mapped_column(sa.ForeignKey("departments.id"), index=True)
    #: key of the group, in the EHR's words, whose members are compared with each other
    team: Mapped[str | None] = mapped_column(sa.String(100))
    #: direct superior on the reporting line, independent of departments
    manager_id: Mapped[str | None] = mapped_column(Id, index=True)
    entity_id: Mapped[str | None] = mapped_column(sa.ForeignKey("entities.id"))
    region_id: Mapped[str | None] = mapped_column(sa.ForeignKey("regions.id"))
    grade: Mapped[int | None]


class Membership(Dated, Base):
    """A department to which somebody belongs beside their main one."""

    __tablename__ = "memberships"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), index=True)
    department_id: Mapped[str] = mapped_column(sa.ForeignKey("departments.id"), index=True)


class Headship(Dated, Base):
    """Who is in charge of a department: at most one person on any day."""

    __tablename__ = "headships"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    department_id: Mapped[str] = mapped_column(sa.ForeignKey("departments.id"), index=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), index=True)


class Post(Base):
    """A post that people are appointed to."""

    __tablename__ = "posts"

    id: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    name_en: Mapped[str] = mapped_column(sa.String(100))


class Appointment(Dated, Base):
    """Somebody holds a post, in a department where one is named."""

    __tablename__ = "appointments"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), index=True)
    post_id: Mapped[str] = mapped_column(sa.ForeignKey("posts.id"), index=True)
    department_id: Mapped[str | None] = mapped_column(sa.ForeignKey("departments.id"))


class Group(Base):
    """People that an administrator put together."""

    __tablename__ = "groups"

    id: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str] = mapped_column(sa.String(200))


class GroupMember(Base):
    """Somebody in a group."""

    __tablename__ = "group_members"

    group_id: Mapped[str] = mapped_column(sa.ForeignKey("groups.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), primary_key=True, index=True)


class Duty(Dated, Base):
    """A named responsibility that somebody holds for a person, department, legal entity, region or the whole company."""

    __tablename__ = "duties"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    #: key in the company's words, such as `hrbp`
    duty: Mapped[str] = mapped_column(sa.String(100), index=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), index=True)
    #: `person`, `department`, `entity`, `region` or `company`
    scope: Mapped[str] = mapped_column(sa.String(10))
    #: id of what the scope says; "" for the company
    ref: Mapped[str] = mapped_column(sa.String(100))


class Substitution(Base):
    """Somebody signs for somebody who is absent, within a time."""

    __tablename__ = "substitutions"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    absent_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), index=True)
    substitute_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), index=True)
    starts_at: Mapped[dt.datetime] = mapped_column(Instant)
    #: the first moment at which it holds no more
    ends_at: Mapped[dt.datetime] = mapped_column(Instant)
    #: `all`, `procedure` or `chain`
    scope: Mapped[str] = mapped_column(sa.String(10))
    #: key of the procedure or chain, "" for all
    ref: Mapped[str] = mapped_column(sa.String(100))
    created_by: Mapped[str] = mapped_column(Id)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    #: when it was ended before its time
    ended_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    #: the absent one leaves: what comes to them until then is handed over, too
    handover: Mapped[bool] = mapped_column(sa.Boolean, server_default=sa.false(), default=False)


class SubstitutionUse(Base):
    """A substitution that brought somebody a sign-off."""

    __tablename__ = "substitution_uses"

    substitution_id: Mapped[str] = mapped_column(sa.ForeignKey("substitutions.id"), primary_key=True)
    sign_off_id: Mapped[str] = mapped_column(sa.ForeignKey("sign_offs.id"), primary_key=True, index=True)
    at: Mapped[dt.datetime] = mapped_column(Instant)


class DirectoryEvent(Base):
    """A change of the directory: who made it, when, why, and what was before."""

    __tablename__ = "directory_events"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(Instant, index=True)
    #: None: the command line
    by: Mapped[str | None] = mapped_column(Id)
    #: the table, such as `persons`
    kind: Mapped[str] = mapped_column(sa.String(20))
    #: id of whom or what it is about
    ref: Mapped[str] = mapped_column(sa.String(100), index=True)
    #: how it was called then
    name: Mapped[str] = mapped_column(sa.String(200))
    #: `added`, `changed` or `ended`
    act: Mapped[str] = mapped_column(sa.String(10))
    #: the day from which it holds; None: at once
    on_day: Mapped[dt.date | None]
    #: field -> [before, after]
    changes: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    note: Mapped[str] = mapped_column(sa.Text)


class Holding(Base):
    """A role that a person holds."""

    __tablename__ = "holdings"

    person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), primary_key=True)
    role: Mapped[str] = mapped_column(sa.String(100), primary_key=True, index=True)


class Account(Base):
    """How a person logs in."""

    __tablename__ = "accounts"

    login: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), unique=True)
    #: argon2id
    password: Mapped[str] = mapped_column(sa.String(200))
    locale: Mapped[str] = mapped_column(sa.String(10))
    disabled: Mapped[bool]
    #: after a completion the next work item opens, and not the inbox
    onward: Mapped[bool] = mapped_column(sa.Boolean, server_default=sa.false(), default=False)


class WebSession(Base):
    """One logged-in browser or program; deleting the row logs it out."""

    __tablename__ = "web_sessions"

    #: SHA-256 of the secret in the cookie or bearer token
    id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    login: Mapped[str] = mapped_column(sa.ForeignKey("accounts.login"), index=True)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    expires_at: Mapped[dt.datetime] = mapped_column(Instant)


class ServiceToken(Base):
    """A token by which a program acts as a person without an account."""

    __tablename__ = "service_tokens"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    #: SHA-256 of the token
    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    #: its first characters, by which one that was found somewhere is known again
    shown: Mapped[str] = mapped_column(sa.String(16))
    #: what uses it
    name: Mapped[str] = mapped_column(sa.String(100))
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"))
    #: what it is for, in the words of the interface
    scopes: Mapped[list[str]] = mapped_column(sa.JSON)
    #: None: the command line
    created_by: Mapped[str | None] = mapped_column(Id)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    expires_at: Mapped[dt.datetime] = mapped_column(Instant)
    revoked_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    revoked_by: Mapped[str | None] = mapped_column(Id)
    #: to ten minutes
    used_at: Mapped[dt.datetime | None] = mapped_column(Instant)


class CalendarFeed(Base):
    """The address at which a person's calendar program reads when their work is due."""

    __tablename__ = "calendar_feeds"

    person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), primary_key=True)
    #: SHA-256 of the secret in the address
    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    #: it tells whom a case is about
    names: Mapped[bool]
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
