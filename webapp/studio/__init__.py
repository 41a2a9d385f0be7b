"""The studio: where managers draw, check, try and publish the procedures they manage."""

from __future__ import annotations

from flask import Flask

from . import (
    checking,
    comparing,
    deciding,
    editor,
    files,
    history,
    letters,
    pages,
    previewing,
    publishing,
    scenario_pages,
    trying,
    uploading,
    whatif,
)
from .addresses import data, studio

__all__ = ["init_app"]


def init_app(app: Flask) -> None:
    """Pages and the JSON that the editors speak with the server."""
    # each puts its addresses on a blueprint
    assert (
        checking
        and comparing
        and deciding
        and editor
        and files
        and history
        and letters
        and pages
        and previewing
        and publishing
        and scenario_pages
        and trying
        and uploading
        and whatif
    )
    app.register_blueprint(studio)
    app.register_blueprint(data)
