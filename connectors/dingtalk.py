"""DingTalk 钉钉: work messages to a person, their to-dos 待办, and a signed robot in a group."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from connectors.chat import CHAT_OPTIONS, Asking, Attempt, Chat, TokenChat, cut, plain
from connectors.http import Http
from connectors.options import REQUIRED, Option
from engine.errors import NeedsPerson, OperationFailed, Refused, TryAgain
from engine.ports import Call, Message, Part, Shown, Sought

_BASE = Option(str, "https://oapi.dingtalk.com", "Address of DingTalk")
#: codes of a number that nobody of the company has
_NOBODY = (40104, 60121)
#: seconds before its end in which a token is not used any more
_EARLY = 300
#: bytes of a robot's text (20,000 for all of its JSON, in which a Chinese character takes twice its bytes), and of a work message's
_MOST_OF_A_ROBOT, _MOST = 9_000, 2_000


class DingTalk(TokenChat):
    """Tells a person by a work message (topapi/message/corpconversation/asyncsend_v2); addresses are userids.

    DingTalk has no key: a message whose answer was lost may come twice. The same content is shown to a person once a day, so
    each carries its time.
    """

    OPTIONS: ClassVar[Mapping[str, Option]] = {
        "app_key": Option(str, REQUIRED, "AppKey of the internal app"),
        "app_secret": Option(str, REQUIRED, "Its AppSecret"),
        "agent_id": Option(int, REQUIRED, "Its AgentId"),
        "todo": Option(bool, False, "Whether its to-dos show what waits for people (待办)"),
        "api_url": Option(str, "https://api.dingtalk.com", "Address of DingTalk's interface for to-dos"),
        "base_url": _BASE,
        **CHAT_OPTIONS,
    }
    BUSY = (-1, 88, 90018, 143)
    TOKEN_OVER = (40001, 40014, 42001)
    SETTINGS = (40089, 40096, 33001)
    at_once = 40

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name, options)
        self.centre = name if self.options["todo"] else ""
        self._api = _Api(name, self.options)
        self._unions: dict[str, str] = {}

    def tell(self, message: Message) -> str:
        """The id of DingTalk's task."""
        body = {"title": cut(message.subject, 200), "content": cut(f"{message.text}\n{message.now:%Y-%m-%d %H:%M} UTC", _MOST)}
        card = {
            "message_url": message.link,
            "pc_message_url": message.link,
            "head": {"bgcolor": "FF0D5C55", "text": "Partwell"},
            "body": body,
        }
        sent = {"agent_id": self.options["agent_id"], "userid_list": message.address, "msg": {"msgtype": "oa", "oa": card}}
        token = {"access_token": self.token(message)}
        answer = self.post(message, "/topapi/message/corpconversation/asyncsend_v2", sent, params=token)
        return str(answer.get("task_id", ""))

    def fresh_token(self, message: Attempt) -> tuple[str, int]:
        known = {"appkey": self.options["app_key"], "appsecret": self.options["app_secret"]}
        return self.token_in(message, self.post(message, "/gettoken", None, params=known, method="GET"), "access_token", "expires_in")

    def find(self, sought: Sequence[Sought], now: dt.datetime) -> Mapping[str, Collection[str] | Refused]:
        """By number, one after another (topapi/v2/user/getbymobile); DingTalk tells nobody by mail."""
        found: dict[str, Collection[str] | Refused] = {}
        asking = Asking(key="find", operation="look_up", now=now)
        for one in sought:
            if one.mobile:
                params = {"access_token": self.token(asking)}
                try:
                    answer = self.post(asking, "/topapi/v2/user/getbymobile", {"mobile": one.mobile}, params=params, unless=_NOBODY)
                except Refused as refused:  # this number; it keeps nobody else from being found
                    found[one.key] = refused
                    continue
                result = answer.get("result")
                if isinstance(result, dict) and isinstance(result.get("userid"), str):
                    found[one.key] = {result["userid"]}
        return found

    # --- to-dos: v1.0/todo

    def prepare(self, place: str, now: dt.datetime) -> str:
        """To-dos need no place of ours."""
        return "todo"

    def show(self, shown: Shown) -> Mapping[str, str | OperationFailed]:
        """Each person's part is a to-do of theirs, by our key as its sourceId: done with their act, deleted where it is no more theirs."""
        told: dict[str, str | OperationFailed] = {}
        for part in shown.parts:
            if part.confirmed:
                continue
            try:
                told[part.key] = self._show(shown, part)
            except TryAgain:
                raise
            except OperationFailed as error:  # one who is not known there keeps it from nobody else
                told[part.key] = error
        return told

    def _show(self, shown: Shown, part: Part) -> str:
        union = self._union(shown, part.address)
        tasks, by = f"/v1.0/todo/users/{union}/tasks", {"operatorId": union}
        if part.state == "open":
            to_do = _to_do(shown, part, union)
            if part.outside and self._api.ask(shown, "PUT", f"{tasks}/{part.outside}", {**to_do, "done": False}, by, unless=_ABSENT):
                return part.outside
            fixed = {"sourceId": part.key, "creatorId": union, "isOnlyShowExecutor": True, "priority": 20, "detailUrl": _links(shown)}
            made = self._api.ask(shown, "POST", tasks, {**to_do, **fixed}, by, unless=_PRESENT)
            if made:
                return str(made.get("id", ""))
            task = self._task(shown, part, union)
            self._api.ask(shown, "PUT", f"{tasks}/{task}", {**to_do, "done": False}, by)
            return task
        task = part.outside or self._task(shown, part, union)
        if task and part.state == "gone":
            self._api.ask(shown, "DELETE", f"{tasks}/{task}", None, by, unless=_ABSENT)
        elif task:
            self._api.ask(shown, "PUT", f"{tasks}/{task}", {"done": True}, by, unless=_ABSENT)
        return task

    def deviating(self, shown: Sequence[Shown]) -> Collection[str]:
        """Those of which a to-do is not there, or is done there and open here, or the other way round."""
        found = set()
        for one in shown:
            for part in one.parts:
                if part.state == "gone":
                    continue
                union = self._union(one, part.address)
                kept = self._api.ask(one, "GET", f"/v1.0/todo/users/{union}/tasks/sources/{part.key}", unless=_ABSENT)
                if kept.get("done") is not (part.state != "open"):
                    found.add(one.key)
        return found

    def _task(self, attempt: Attempt, part: Part, union: str) -> str:
        """DingTalk's id of what it was told under our key; "" for nothing."""
        kept = self._api.ask(attempt, "GET", f"/v1.0/todo/users/{union}/tasks/sources/{part.key}", unless=_ABSENT)
        return str(kept.get("id", ""))

    def _union(self, attempt: Attempt, userid: str) -> str:
        """To-dos know people by their unionid, which DingTalk tells for a userid (topapi/v2/user/get)."""
        if userid not in self._unions:
            answer = self.post(attempt, "/topapi/v2/user/get", {"userid": userid}, params={"access_token": self.token(attempt)})
            result = answer.get("result")
            union = result.get("unionid") if isinstance(result, dict) else None
            if not isinstance(union, str) or not union.isalnum():
                raise self.not_as_agreed(attempt)
            self._unions[userid] = union
        return self._unions[userid]


#: what is said of a to-do that is not there, or is there already, in an answer with HTTP 400 or 404
_ABSENT, _PRESENT = "task not exist", "task exist"


class _Api:
    """DingTalk's newer interface: errors come by HTTP status, and its token is one of its own."""

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self._name = name
        self._known = {"appKey": options["app_key"], "appSecret": options["app_secret"]}
        self._http = Http(name, {**options, "base_url": options["api_url"], "token": ""})
        self._lock = threading.Lock()
        self._kept: tuple[str, dt.datetime] | None = None

    def ask(
        self, attempt: Attempt, method: str, path: str, body: Any = None, params: Mapping[str, str] = {}, *, unless: str = "?"
    ) -> dict[str, Any]:
        """The answer; {} where it was refused because of `unless`. Raises TryAgain, Refused, NeedsPerson."""
        try:
            return self._ask(attempt, method, path, body, params, {"x-acs-dingtalk-access-token": self._token(attempt)})
        except Refused as refused:
            if unless in (refused.answer or ""):
                return {}
            raise
        except NeedsPerson as error:
            if error.facts["reason"] != "it did not accept our token":
                raise
            self._kept = None
            raise TryAgain(system=self._name, operation="project", reason="it did not accept our token", answer=error.answer) from error

    def _ask(self, attempt: Attempt, method: str, path: str, body: Any, params: Mapping[str, str], headers: Mapping[str, str]) -> Any:
        call = Call(operation="project", key=attempt.key, input={}, headers={}, case="", attempt=1, now=attempt.now)
        answer, _ = self._http.ask(call, method, path, params=params, headers=headers, body=body)
        return answer

    def _token(self, attempt: Attempt) -> str:
        with self._lock:
            if self._kept is None or self._kept[1] <= attempt.now:
                answer = self._ask(attempt, "POST", "/v1.0/oauth2/accessToken", self._known, {}, {})
                token, lasts = answer.get("accessToken"), answer.get("expireIn")
                if not isinstance(token, str) or type(lasts) is not int:
                    raise NeedsPerson(system=self._name, operation="project", reason="the answer is JSON of another form than agreed")
                self._kept = token, attempt.now + dt.timedelta(seconds=lasts - _EARLY)
            return self._kept[0]


def _to_do(shown: Shown, part: Part, union: str) -> dict[str, Any]:
    english = part.locale == "en"
    title, step = (shown.title_en, shown.step_en) if english else (shown.title, shown.step)
    due = {"dueTime": int(part.due_at.timestamp() * 1000)} if part.due_at else {}
    return {"subject": cut(f"{step} · {title}", 900), "description": cut(title, 900), "executorIds": [union], **due}


def _links(shown: Shown) -> dict[str, str]:
    return {"appUrl": shown.link, "pcUrl": shown.link}


class DingTalkRobot(Chat):
    """Tells a group by its robot, and calls the person there by their userid where it is known."""

    reaches = "group"
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        "access_token": Option(str, REQUIRED, "access_token in the robot's address"),
        "secret": Option(str, REQUIRED, "Secret of the robot's 加签, beginning with SEC"),
        "base_url": _BASE,
        **CHAT_OPTIONS,
    }
    BUSY = (-1, 130101)
    SETTINGS = (310000, 300005, 40035)

    def tell(self, message: Message) -> str:
        """DingTalk gives robots' messages no id."""
        stamp = str(int(message.now.timestamp() * 1000))
        params = {"access_token": self.options["access_token"], "timestamp": stamp, "sign": sign(self.options["secret"], stamp)}
        named = f"@{message.address}" if message.address else message.name
        body: dict[str, Any] = {"msgtype": "text", "text": {"content": f"{named} {cut(plain(message), _MOST_OF_A_ROBOT)}"}}
        if message.address:
            body["at"] = {"atUserIds": [message.address], "isAtAll": False}
        self.post(message, "/robot/send", body, params=params)
        return ""


def sign(secret: str, stamp: str) -> str:
    """A robot's signature over the milliseconds since 1970: HMAC-SHA256 of `stamp\\nsecret` under the secret, in Base64."""
    return base64.b64encode(hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()).decode()
