"""What the description allows, and what it does not, asked of the running application: no answer is a failure of ours.

EXAMPLES=100 asks more of each address (`make fuzz`).
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import requests
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from web_office import Office

from webapp import api
from webapp.api import description

ADDRESS = "http://localhost/api/v1"
EXAMPLES = int(os.environ.get("EXAMPLES", "5"))


def _described() -> dict[str, Any]:
    app = Flask("described")
    api.init_app(app)
    return description.description(app)


DOCUMENT = _described()
OPERATIONS = sorted((method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods)


@pytest.fixture(scope="module")
def known(office: Office) -> dict[str, str]:
    """A real value for each parameter of a path, so that not every request ends at "there is no such …"."""
    office.usage.refuses = True
    office.case()
    office.usage.refuses = False
    client, own = office.program("admin")
    [incident] = client.get("/api/v1/incidents", headers=own).json["incidents"]
    case = office.case()
    item = office.talked(case)
    page = client.get(f"/api/v1/cases/{case}", headers=own).json
    [sign_off, *_] = [step["sign_off"] for step in client.get(f"/api/v1/items/{item}", headers=own).json["steps"] if step["sign_off"]]
    own_parts = {"case_id": case, "item_id": item, "sign_off_id": sign_off, "incident_id": incident["id"]}
    keys = {"procedure": "office", "version": "1", "key": "dismissal-approval", "instance": "consent#1"}
    found = {**own_parts, **keys, "snapshot_id": page["snapshots"][0]["id"], "document_id": item, "job_id": page["calls"][0]["job_id"]}
    views = client.post("/api/v1/me/views", json={"name": "本周"}, headers=own).json["views"]
    return {**dict.fromkeys(description._PARAMETERS, item), **found, "person_id": office.people["chenli"], "view_id": views[0]["id"]}


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["as-described", "otherwise"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS])
def test_no_request_makes_the_interface_fail(office: Office, known: dict[str, str], method: str, path: str, mode: GenerationMode) -> None:
    """Whatever is sent: no 5xx, and each answer has a status, a type and a shape that the description names."""
    operation = schemathesis.openapi.from_dict(DOCUMENT)[path][method]
    people = [office.program(login) for login in ("admin", "zhaominhua", "wangfang")]

    @settings(max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans(), person=st.sampled_from(people))
    def ask(case: Any, real: bool, person: Any) -> None:
        if real:
            case.path_parameters = {name: known[name] for name in case.path_parameters or {}}
        client, own = person
        asked = requests.Request(**case.as_transport_kwargs(base_url=ADDRESS)).prepare()
        assert asked.url and asked.url.startswith(f"{ADDRESS}/")
        headers = {**asked.headers, **({} if path == "/session" else own)}
        answer = client.open(asked.path_url, method=method, headers=headers, data=asked.body)
        assert answer.status_code < 500, answer.text

    ask()
