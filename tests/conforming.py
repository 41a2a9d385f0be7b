"""A client of the JSON interface that holds every answer against what the interface says of itself."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

from webapp.api import description
from webapp.api.exchange import FILE


def schema_of(app: Flask, endpoint: str) -> dict[str, Any]:
    """What an address answers, with everything it refers to."""
    components: dict[str, Any] = {}
    said = description.schema(app.view_functions[endpoint].declared.gives, components)  # type: ignore[attr-defined]
    return {**said, "components": {"schemas": components}}


class ConformingClient(FlaskClient):
    """Fails where an answer is not the one that is described."""

    def open(self, *args: Any, **options: Any) -> Any:
        answer = super().open(*args, **options)
        asked = answer.request
        if not asked.path.startswith("/api/v1/"):
            return answer
        if answer.status_code >= 400:
            assert answer.mimetype == "application/problem+json", (asked.path, answer.mimetype)
            jsonschema_rs.validate(description.PROBLEM, json.loads(answer.data))
            return answer
        try:
            endpoint, _ = self.application.url_map.bind_to_environ(asked.environ).match()
        except HTTPException:
            raise AssertionError(f"{asked.method} {asked.path} was answered, and is no address") from None
        said = self.application.view_functions[endpoint].declared  # type: ignore[attr-defined]
        assert answer.status_code in said.status, (asked.path, answer.status_code)
        if said.gives is not None and said.gives is not FILE:
            jsonschema_rs.validate(schema_of(self.application, endpoint), json.loads(answer.data))
        return answer
