"""The directory: who there is, where they belong, what they hold, how they log in."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Id, Instant


class Department(Base):
    """One unit of the company's tree."""

    __tablename__ = "departments"

    #: short key, such as `customer-service`
    id: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str] = mapped_column(sa.String(200))
    parent_id: Mapped[str | None] = mapped_column(sa.ForeignKey("departments.id"))
    head_id: Mapped[str | None] = mapped_column(Id)


class Person(Base):
    """Somebody of the company, working there still or not."""

    __tablename__ = "persons"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    #: identity in the EHR
    employee_no: Mapped[str | None] = mapped_column(sa.String(50), unique=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    email: Mapped[str | None] = mapped_column(sa.String(200))
    department_id: Mapped[str | None] = mapped_column(sa.ForeignKey("departments.id"), index=True)
    #: key of the group, in the EHR's words, whose members are compared with each other
    team: Mapped[str | None] = mapped_column(sa.String(100))
    post: Mapped[str] = mapped_column(sa.String(100))
    post_en: Mapped[str] = mapped_column(sa.String(100))
    #: direct manager on the reporting line, independent of departments
    manager_id: Mapped[str | None] = mapped_column(Id, index=True)
    #: still employed and allowed to act
    active: Mapped[bool]


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


class WebSession(Base):
    """One logged-in browser or program; deleting the row logs it out."""

    __tablename__ = "web_sessions"

    #: SHA-256 of the secret in the cookie or bearer token
    id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    login: Mapped[str] = mapped_column(sa.ForeignKey("accounts.login"), index=True)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    expires_at: Mapped[dt.datetime] = mapped_column(Instant)
