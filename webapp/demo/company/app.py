"""The sample company's HTTP side: EHR, payroll and OA, and the counters and switches of a test."""

from __future__ import annotations

import datetime as dt
import hmac
import json
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, abort, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from webapp.demo.company.store import TABLES, Store
from webapp.demo.roster import EMPLOYEES

READS = {"app-usage": "app_usage", "training": "training", "performance": "performance"}

#: path of each push -> operation, prefix of its reference numbers
PUSHES = {
    "/payroll/social-insurance/stop": ("payroll.stop_social_insurance", "SI"),
    "/payroll/housing-fund/stop": ("payroll.stop_housing_fund", "HF"),
    "/payroll/settlements": ("payroll.request_settlement", "ST"),
    "/oa/accounts/deactivate": ("oa.deactivate_account", "OA"),
    "/oa/notices": ("oa.notice", "NT"),
}
OPERATIONS = ("ehr.employee", *(f"ehr.{t}" for t in TABLES), *(operation for operation, _ in PUSHES.values()), "mail.send")

#: Faults by name. Any HTTP status from 400 on is one too, such as "500"; it is answered before anything is done.
#: `timeout` and `slow` take seconds after a colon. Everything but `timeout` and a status does its work first.
FAULTS = {
    "timeout": "does nothing and does not answer (30 s)",
    "slow": "does it and answers late (1.5 s)",
    "garbage": "does it and answers with broken JSON",
    "after_effect": "does it and answers 500",
    "other_employee": "answers about another employee",
    "partial": "leaves out part of the answer",
}
PAGE_SIZE = 100

# whom a wrong answer is about
_STRANGER = "PD-004"

Reply = tuple[dict[str, Any], int]


def create_app(store: Store, clock: Callable[[], dt.datetime], stopping: threading.Event) -> Flask:
    """The application. `stopping` ends the waiting of the faults `timeout` and `slow`."""
    app = Flask(__name__)
    app.config["TRUSTED_HOSTS"] = ["127.0.0.1", "localhost"]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]

    def play(operation: str, work: Callable[[str], Reply], arrive: Callable[[], object] = lambda: None) -> Response:
        """Do `work` for a caller with the token, with the operation's next planned fault; count what was answered.

        `arrive` happens whatever the fault.
        """
        shown = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(shown, f"Bearer {store.token}".encode()):
            store.count(operation, "401")
            return _reply({"error": "token missing or wrong"}, 401)
        arrive()
        fault, _, seconds = store.next_fault(operation).partition(":")
        status = 504 if fault == "timeout" else int(fault) if fault.isdigit() else 0
        if fault == "timeout":
            stopping.wait(float(seconds or 30))
        if not status:
            body, status = work(fault)
        if fault == "slow":
            stopping.wait(float(seconds or 1.5))
        if fault == "after_effect":
            status = 500
        if status >= 500 or fault.isdigit():
            body = {"error": f"planned fault: {fault}"}
        store.count(operation, str(status))
        answer = _reply(body, status)
        if fault == "garbage":
            answer.set_data(answer.get_data()[: len(answer.get_data()) // 2])
        if status == 429:
            answer.headers["Retry-After"] = "2"
        return answer

    # --- EHR

    @app.get("/ehr/employees")
    def employees() -> Response:
        return play("ehr.employee", lambda fault: ({"employees": store.employees()}, 200))

    @app.get("/ehr/employees/<id>")
    def employee(id: str) -> Response:
        def work(fault: str) -> Reply:
            record = store.employee(_STRANGER if fault == "other_employee" else id)
            if record is None:
                return {"error": f"no employee {id}"}, 404
            if fault == "partial":
                del record["protected"]
            return record, 200

        return play("ehr.employee", work)

    @app.get("/ehr/<any('app-usage', 'training', 'performance'):kind>")
    def rows(kind: str) -> Response:
        table = READS[kind]

        def work(fault: str) -> Reply:
            employee, team = request.args.get("employee", ""), request.args.get("team", "")
            try:
                start, end = (dt.date.fromisoformat(request.args.get(name, "")).isoformat() for name in ("from", "to"))
                page = max(1, int(request.args.get("page", "1")))
            except ValueError:
                return {"error": "from and to must be dates, page a number"}, 400
            if not (employee or team):
                return {"error": "employee or team is needed"}, 400
            if fault == "other_employee":
                employee, team = _STRANGER, ""
            store.extend(clock().date())
            found, total = store.rows(table, employee=employee, team=team, start=start, end=end, page=page, size=PAGE_SIZE)
            if fault == "partial" and found:
                found = found[: (len(found) + 1) // 2]
                found[0].pop("duration_min" if table == "app_usage" else "score" if table == "training" else "kpi_value")
            return {"rows": found, "page": page, "pages": max(1, -(-total // PAGE_SIZE)), "total": total}, 200

        return play(f"ehr.{table}", work)

    # --- payroll and OA

    def receive(operation: str, prefix: str) -> Response:
        key, body = request.headers.get("Idempotency-Key", ""), request.get_json(silent=True)
        if not key or not isinstance(body, dict):
            return _reply({"error": "an Idempotency-Key and a JSON object are needed"}, 400)

        def work(fault: str) -> Reply:
            about = str(body.get("employee", ""))
            if operation != "oa.notice" and about not in EMPLOYEES:
                return {"error": f"no employee {about}"}, 422
            if store.first_body(operation, key) != body:
                return {"error": "this key was used with another body"}, 409
            push = store.effect(operation, key, prefix, clock())
            answer = _accepted(push)
            if fault == "other_employee":
                answer["employee"] = _STRANGER
            if fault == "partial":
                del answer["reference"]
            return answer, 200

        return play(operation, work, lambda: store.attempt(operation, key, body, clock()))

    def look_up(operation: str, prefix: str) -> Response:
        def work(fault: str) -> Reply:
            push = store.find(operation, request.args.get("reference", ""))
            return (_accepted(push), 200) if push else ({"error": "nothing was accepted under this reference"}, 404)

        return play(f"{operation}.look_up", work)

    for path, push in PUSHES.items():
        app.add_url_rule(path, f"receive {path}", receive, defaults={"operation": push[0], "prefix": push[1]}, methods=["POST"])
        app.add_url_rule(path, f"look up {path}", look_up, defaults={"operation": push[0], "prefix": push[1]}, methods=["GET"])

    # --- switches and counters

    @app.get("/admin/pushes")
    def pushes() -> Response:
        return jsonify([_counted(push) for push in store.pushes()])

    @app.get("/admin/calls")
    def calls() -> Response:
        return jsonify(store.calls())

    @app.get("/admin/mails")
    def mails() -> Response:
        return jsonify(store.mails())

    @app.get("/admin/faults")
    def faults() -> Response:
        return jsonify(store.planned())

    @app.post("/admin/faults")
    def plan_faults() -> Response:
        asked = request.get_json()
        operation, plan = asked.get("operation"), asked.get("plan")
        if operation != "*" and operation not in OPERATIONS:
            abort(400, f"operation must be * or one of {', '.join(OPERATIONS)}")
        if not isinstance(plan, list) or not all(_is_fault(fault) for fault in plan):
            abort(400, f"plan must be a list of HTTP statuses and of {', '.join(FAULTS)}")
        store.plan((name, fault) for name in (OPERATIONS if operation == "*" else (operation,)) for fault in plan)
        return faults()

    @app.delete("/admin/faults")
    def forget_faults() -> Response:
        store.forget_faults()
        return faults()

    @app.post("/admin/rows")
    def change_row() -> Response:
        change = request.get_json()
        table, row_id, field = (str(change.get(name, "")) for name in ("table", "row_id", "field"))
        if table not in (*TABLES, "employees") or "value" not in change:
            abort(400, f"table must be employees or one of {', '.join(TABLES)}, and a value is needed")
        if not store.change(table, row_id, field, change["value"]):
            abort(404, f"there is no field {field} in row {row_id} of {table}")
        return jsonify({"table": table, "row_id": row_id, "field": field, "value": change["value"]})

    @app.get("/")
    def overview() -> str:
        return render_template(
            "overview.html",
            pushes=store.pushes(),
            calls=store.calls(),
            mails=store.mails()[::-1],
            faults=store.planned(),
            now=clock(),
        )

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> Response:
        return _reply({"error": error.description}, error.code or 500)

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'self'; frame-ancestors 'none'"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return app


def _reply(body: dict[str, Any], status: int) -> Response:
    reply = jsonify(body)
    reply.status_code = status
    return reply


def _accepted(push: Any) -> dict[str, Any]:
    body = json.loads(push["body"])
    return {"reference": push["reference"], "accepted_at": push["accepted_at"], "employee": body.get("employee")}


def _counted(push: dict[str, Any]) -> dict[str, Any]:
    system = push["operation"].partition(".")[0]
    names = ("operation", "key", "attempts", "effects", "received_at", "body", "reference")
    return {"system": system} | {name: push[name] for name in names}


def _is_fault(fault: object) -> bool:
    name, _, seconds = str(fault).partition(":")
    timed = not seconds or (name in ("timeout", "slow") and seconds.replace(".", "", 1).isdigit())
    return timed and (name in FAULTS or (name.isdigit() and 400 <= int(name) <= 599))
