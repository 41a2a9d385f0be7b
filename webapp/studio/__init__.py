"""流程设计: where managers draw, check, try and publish the procedures they manage."""

from __future__ import annotations

from flask import Flask

from . import checking, editor, files, pages, publishing, uploading
from .addresses import data, studio

__all__ = ["init_app"]


def init_app(app: Flask) -> None:
    """Pages and the JSON that the editors speak with the server."""
    assert checking and editor and files and pages and publishing and uploading  # each puts its addresses on a blueprint
    app.register_blueprint(studio)
    app.register_blueprint(data)
