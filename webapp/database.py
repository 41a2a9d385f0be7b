"""The web's own rows (accounts, sessions, the directory) through Flask-SQLAlchemy, on the engine that the services opened."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from engine.models import Base
from engine.services import Services


class _OnServices(SQLAlchemy):
    def _make_engine(self, bind_key: str | None, options: dict[str, Any], app: Flask) -> sa.Engine:
        services: Services = app.extensions["partwell"]
        return services.database.engine


db = _OnServices(model_class=Base)


def begin_writing() -> None:
    """Make the session's coming transaction a writing one: on SQLite it waits for its turn instead of failing half-way."""
    db.session.rollback()
    db.session.connection(execution_options={"partwell_writes": True})


def init_app(app: Flask) -> None:
    services: Services = app.extensions["partwell"]
    app.config.setdefault("SQLALCHEMY_DATABASE_URI", services.database.engine.url)
    db.init_app(app)
