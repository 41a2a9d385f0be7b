"""A stand-in of Feishu's approval centre: it checks what is told to it against the documented shapes, and keeps it."""

from __future__ import annotations

import json
import re
from typing import Any

_TIME = re.compile(r"0|[0-9]{13}")
_INSTANCE_STATES = {"PENDING", "APPROVED", "REJECTED", "CANCELED", "DELETED", "HIDDEN", "TERMINATED"}
_TASK_STATES = {"PENDING", "APPROVED", "REJECTED", "TRANSFERRED", "DONE"}
_REFUSED = {"code": 60001, "msg": "param is invalid"}


class FeishuApprovals:
    """Definitions, and instances with their tasks."""

    def __init__(self) -> None:
        #: approval_code -> what it was told
        self.definitions: dict[str, Any] = {}
        #: instance_id -> what it was told last
        self.instances: dict[str, Any] = {}
        #: how often instances were told
        self.told = 0

    def answer(self, path: str, body: Any) -> dict[str, Any]:
        match path:
            case "external_approvals":
                return self._define(body)
            case "external_instances":
                return self._keep(body)
            case "external_instances/check":
                return self._check(body)
        return {"code": 404, "msg": path}

    def _define(self, body: Any) -> dict[str, Any]:
        if not _told(body) or any(not body[name].startswith("@i18n@") for name in ("approval_name", "group_name", "description")):
            return _REFUSED
        if "action_callback_url" in body["external"]:
            return {"code": 60002, "msg": "nobody is to decide here"}
        # a code that is not known makes a new definition with a code of Feishu's own
        code = body["approval_code"] if body["approval_code"] in self.definitions else f"CODE-{len(self.definitions)}"
        self.definitions[code] = body
        return {"code": 0, "msg": "success", "data": {"approval_code": code}}

    def _keep(self, body: Any) -> dict[str, Any]:
        tasks = body["task_list"]
        fits = [
            body["approval_code"] in self.definitions,
            body["status"] in _INSTANCE_STATES,
            body["update_mode"] in ("REPLACE", "UPDATE"),
            bool(body.get("user_id") or body.get("open_id") or body.get("user_name")),
            all(_TIME.fullmatch(body[name]) for name in ("start_time", "end_time", "update_time")),
            body["links"]["pc_link"].startswith("http"),
            _told(body),
            len(tasks) <= 200,
            len({task["task_id"] for task in tasks} | {body["instance_id"]}) == len(tasks) + 1,
            all(self._fits(task) for task in tasks),
        ]
        if not all(fits):
            return _REFUSED
        self.instances[body["instance_id"]] = body
        self.told += 1
        return {"code": 0, "msg": "success", "data": {"data": body}}

    def _fits(self, task: Any) -> bool:
        times = all(_TIME.fullmatch(task[name]) for name in ("create_time", "end_time", "update_time"))
        open_ends = (task["status"] == "PENDING") == (task["end_time"] == "0")
        json.loads(task.get("extra", "{}"))
        known = task.get("open_id", "").startswith("ou_") and "action_configs" not in task
        return task["status"] in _TASK_STATES and times and open_ends and known and task["links"]["mobile_link"].startswith("http")

    def _check(self, body: Any) -> dict[str, Any]:
        differing = []
        for one in body["instances"]:
            kept = self.instances.get(one["instance_id"])
            tasks = {task["task_id"]: task["update_time"] for task in kept["task_list"]} if kept else {}
            told = {task["task_id"]: task["update_time"] for task in one["tasks"]}
            if kept is None or kept["update_time"] != one["update_time"] or not told.items() <= tasks.items():
                differing.append({"instance_id": one["instance_id"], "update_time": kept["update_time"] if kept else "0", "tasks": []})
        return {"code": 0, "msg": "success", "data": {"diff_instances": differing}}


def _told(body: Any) -> bool:
    """Whether each text that is named is there in each language, one of which is the default."""
    named = set(re.findall(r"@i18n@\w+", json.dumps({**body, "i18n_resources": None})))
    told = [{text["key"] for text in each["texts"] if text["value"]} for each in body["i18n_resources"]]
    return all(named == keys for keys in told) and sum(each["is_default"] for each in body["i18n_resources"]) == 1
