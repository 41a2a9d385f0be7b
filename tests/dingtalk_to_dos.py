"""A stand-in of DingTalk's to-dos (v1.0/todo): it checks what is told to it against the documented shapes, and keeps it."""

from __future__ import annotations

from typing import Any

_OF_A_TASK = {"subject", "description", "dueTime", "executorIds", "participantIds", "done"}


class DingTalkToDos:
    """To-dos by DingTalk's id. A sourceId is taken once; unionids begin with `union`."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.tokens = 0
        self.calls: list[str] = []
        #: whether a token is not accepted any more
        self.over = False

    def answer(self, method: str, path: str, query: dict[str, str], headers: Any, body: Any) -> dict[str, Any] | tuple[int, dict[str, Any]]:
        if path == "/v1.0/oauth2/accessToken":
            if body != {"appKey": "k", "appSecret": "SEC-of-the-tests"}:
                return 400, {"code": "invalidClientIdOrSecret", "message": "无效的clientId或者clientSecret"}
            self.tokens, self.over = self.tokens + 1, False
            return {"accessToken": f"v{self.tokens}", "expireIn": 7200}
        if headers["x-acs-dingtalk-access-token"] != f"v{self.tokens}" or self.over:
            return 401, {"code": "InvalidAuthentication", "message": "不合法的access_token"}
        self.calls.append(method)
        match path.removeprefix("/v1.0/todo/users/").split("/"):
            case [union, "tasks"] if method == "POST" and query == {"operatorId": union}:
                return self._create(union, body)
            case [union, "tasks", "sources", source] if method == "GET":
                return self._of_source(union, source)
            case [union, "tasks", task] if query == {"operatorId": union}:
                return self._act(method, union, task, body)
        return 404, {"code": "InvalidAction.NotFound", "message": path}

    def open(self) -> dict[str, str]:
        """Subject by executor, of what is not done."""
        return {task["executorIds"][0]: task["subject"] for task in self.kept.values() if not task["done"]}

    def _create(self, union: str, body: Any) -> dict[str, Any] | tuple[int, dict[str, Any]]:
        fits = [union.startswith("union"), body["executorIds"] == [union], body["creatorId"] == union, 0 < len(body["subject"]) <= 1024]
        fits += [body["detailUrl"]["appUrl"].startswith("http"), type(body.get("dueTime", 0)) is int, len(body["sourceId"]) <= 128]
        if not all(fits):
            return 400, {"code": "todo.taskCreate.paramError", "message": "param error"}
        if any(task["sourceId"] == body["sourceId"] for task in self.kept.values()):
            return 400, {"code": "todo.taskCreate.paramError", "message": "task exist"}
        task = f"task{len(self.calls)}"
        self.kept[task] = {**body, "id": task, "done": False}
        return self.kept[task]

    def _of_source(self, union: str, source: str) -> dict[str, Any] | tuple[int, dict[str, Any]]:
        found = [task for task in self.kept.values() if task["sourceId"] == source and task["executorIds"] == [union]]
        return found[0] if found else (400, {"code": "todo.taskQuery.paramError", "message": "task not exist"})

    def _act(self, method: str, union: str, task: str, body: Any) -> dict[str, Any] | tuple[int, dict[str, Any]]:
        if task not in self.kept or self.kept[task]["executorIds"] != [union]:
            return 400, {"code": "todo.taskUpdate.paramError", "message": "task not exist"}
        if method == "DELETE":
            del self.kept[task]
        elif method == "PUT" and body and set(body) <= _OF_A_TASK:
            self.kept[task] |= body
        else:
            return 400, {"code": "todo.taskUpdate.paramError", "message": "todoUpdateVO is null"}
        return {"result": True}
