"""在办事项 and 统计: where the running cases of a procedure stand, what is done about several of them, and what finished ones tell."""

from __future__ import annotations

from flask import Flask

from . import acts, figures, handing_out, running, wording
from .addresses import analytics, operations

__all__ = ["init_app"]


def init_app(app: Flask) -> None:
    """Pages, files that are handed out, and the words that templates need."""
    assert acts and figures and handing_out and running  # each puts its addresses on a blueprint
    app.register_blueprint(operations)
    app.register_blueprint(analytics)
    wording.init_app(app)
