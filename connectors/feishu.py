"""Feishu 飞书: messages of an app to a person, its approval centre 审批中心, and a signed robot in a group."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from connectors.chat import CHAT_OPTIONS, Asking, Attempt, Chat, TokenChat, cut, plain
from connectors.options import REQUIRED, Option
from engine.errors import OperationFailed, Refused, SettingWrong
from engine.ports import Message, Part, Shown, Sought

_BASE = Option(str, "https://open.feishu.cn", "Address of Feishu")
#: bytes of a text: 20 kB are allowed for all of the JSON, in which a Chinese character takes twice its bytes
_MOST = 9_000
_IDS = ("open_id", "user_id", "union_id")
#: tasks that an instance may have, instances that are checked at once, and people that are looked up at once
_TASKS, _CHECKED, _SOUGHT = 200, 50, 50
_INSTANCES = {"open": "PENDING", "approved": "APPROVED", "rejected": "REJECTED", "left": "TERMINATED"}
#: state of a part -> status of a task, and why it ended. DONE: the person does not see it any more
_TASK_STATES = {
    "open": ("PENDING", ""),
    "approved": ("APPROVED", "approved"),
    "rejected": ("REJECTED", "rejected"),
    "returned": ("REJECTED", "specific_rollback"),
    "passed": ("TRANSFERRED", "forward_resign"),
    "done": ("DONE", "others"),
}


class Feishu(TokenChat):
    """Tells a person by a message of an app (im/v1/messages). A repeated attempt has the same uuid, by which Feishu drops it."""

    CODE = "code"
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        "app_id": Option(str, REQUIRED, "App ID"),
        "app_secret": Option(str, REQUIRED, "App Secret"),
        "id_type": Option(str, "open_id", "What its ids of people are: open_id, user_id or union_id"),
        "approval_centre": Option(bool, False, "Whether its approval centre shows what waits for people (三方审批)"),
        "base_url": _BASE,
        **CHAT_OPTIONS,
    }
    BUSY = (99991400, 11232, 230020, 230049)
    TOKEN_OVER = (99991661, 99991663, 99991664, 99991665)
    SETTINGS = (10003, 10014, 99991672, 230006)
    at_once = 100

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name, options)
        if self.options["id_type"] not in _IDS:
            raise SettingWrong(setting=f"connectors.{name}.id_type", reason=f"it must be one of these: {', '.join(_IDS)}")
        self.centre = name if self.options["approval_centre"] else ""
        if self.centre and self.options["id_type"] == "union_id":
            raise SettingWrong(setting=f"connectors.{name}.id_type", reason="the approval centre takes open_id or user_id")
        self._place = ""

    def tell(self, message: Message) -> str:
        """Feishu's message_id."""
        lines = [[{"tag": "text", "text": cut(message.text, _MOST)}], [{"tag": "a", "text": message.link, "href": message.link}]]
        post = {"en_us" if message.locale == "en" else "zh_cn": {"title": cut(message.subject, 200), "content": lines}}
        uuid = hashlib.sha256(message.key.encode()).hexdigest()[:40]
        body = {"receive_id": message.address, "msg_type": "post", "content": json.dumps(post, ensure_ascii=False), "uuid": uuid}
        data = self._said(message, "/open-apis/im/v1/messages", body, {"receive_id_type": self.options["id_type"]})
        return str(data.get("message_id", ""))

    def _said(self, attempt: Attempt, path: str, body: Mapping[str, Any], params: Mapping[str, str] = {}) -> Mapping[str, Any]:
        """The data of the answer."""
        headers = {"Authorization": f"Bearer {self.token(attempt)}"}
        data = self.post(attempt, path, body, params=params, headers=headers).get("data")
        return data if isinstance(data, dict) else {}

    def fresh_token(self, message: Attempt) -> tuple[str, int]:
        known = {"app_id": self.options["app_id"], "app_secret": self.options["app_secret"]}
        answer = self.post(message, "/open-apis/auth/v3/tenant_access_token/internal", known)
        return self.token_in(message, answer, "tenant_access_token", "expire")

    def find(self, sought: Sequence[Sought], now: dt.datetime) -> Mapping[str, Collection[str]]:
        """By number and by mail (contact/v3/users/batch_get_id), for as many people at once as it takes."""
        found: dict[str, set[str]] = {}
        for at in range(0, len(sought), _SOUGHT):
            some = sought[at : at + _SOUGHT]
            asked = {"mobiles": [one.mobile for one in some if one.mobile], "emails": [one.email for one in some if one.email]}
            body = {**{name: listed for name, listed in asked.items() if listed}, "include_resigned": False}
            params = {"user_id_type": self.options["id_type"]}
            asking = Asking(key="find", operation="look_up", now=now)
            users = self._said(asking, "/open-apis/contact/v3/users/batch_get_id", body, params).get("user_list") or []
            if not isinstance(users, list):
                raise self.not_as_agreed(asking)
            known = [user for user in users if isinstance(user, dict) and user.get("user_id")]
            for one in some:
                for user in known:
                    email = str(user.get("email") or "").lower()
                    if user.get("mobile") == one.mobile != "" or email == one.email.lower() != "":
                        found.setdefault(one.key, set()).add(str(user["user_id"]))
        return found

    # --- the approval centre: approval/v4, external_approvals and external_instances

    def prepare(self, place: str, now: dt.datetime) -> str:
        """The approval_code of our definition, made once and brought up to date once in each process.

        No address is given to which Feishu would report a decision: whoever decides does it here, after the log-in.
        """
        if not self._place:
            texts = {
                "name": ("好聚好散 Partwell", "Partwell"),
                "about": ("待办来自 Partwell，点击后登录处理", "Work of Partwell; its links lead there"),
            }
            external = {"biz_name": "@i18n@name", "support_pc": True, "support_mobile": True, "enable_quick_operate": False}
            body = {
                "approval_name": "@i18n@name",
                "approval_code": place or "partwell",
                "group_code": "partwell",
                "group_name": "@i18n@name",
                "description": "@i18n@about",
                "external": {**external, "exclude_efficiency_statistics": True},
                "viewers": [{"viewer_type": "NONE"}],
                "i18n_resources": _texts(texts),
            }
            asking = Asking(key="prepare", operation="project", now=now)
            code = self._said(asking, "/open-apis/approval/v4/external_approvals", body).get("approval_code")
            if not isinstance(code, str) or not code:
                raise self.not_as_agreed(asking)
            self._place = code
        return self._place

    def show(self, shown: Shown) -> Mapping[str, str | OperationFailed]:
        """A work item is an instance, each person's part a task of it. It is told whole: tasks that are not told any more vanish."""
        parts = [part for part in shown.parts if part.state != "gone"]
        if len(parts) > _TASKS:
            raise Refused(system=self.channel, operation="project", reason=f"more people than it takes at one piece of work: {_TASKS}")
        texts = {"title": (shown.title, shown.title_en), "step": (shown.step, shown.step_en), "who": (shown.initiator, shown.initiator)}
        texts |= {"label": ("环节", "Step")}
        links = {"pc_link": shown.link, "mobile_link": shown.link}
        body = {
            "approval_code": shown.place,
            "status": _INSTANCES[shown.state],
            "instance_id": shown.key,
            "links": links,
            "title": "@i18n@title",
            "form": [{"name": "@i18n@label", "value": "@i18n@step"}],
            "user_name": "@i18n@who",
            "start_time": _milliseconds(shown.opened_at),
            "end_time": _milliseconds(shown.ended_at),
            "update_time": str(shown.changed),
            "display_method": "BROWSER",
            "update_mode": "REPLACE",
            "task_list": [self._task(part, links) for part in parts],
            "i18n_resources": _texts(texts),
        }
        self._said(shown, "/open-apis/approval/v4/external_instances", body)
        return {}

    def _task(self, part: Part, links: Mapping[str, str]) -> dict[str, Any]:
        status, reason = _TASK_STATES[part.state]
        task = {"task_id": part.key, self.options["id_type"]: part.address, "title": "@i18n@step", "links": links, "status": status}
        times = {"create_time": _milliseconds(part.opened_at), "end_time": _milliseconds(part.ended_at), "update_time": str(part.changed)}
        ended = {"extra": json.dumps({"complete_reason": reason})} if reason else {}
        return {**task, **times, **ended, "display_method": "BROWSER", "exclude_statistics": True}

    def deviating(self, shown: Sequence[Shown]) -> Collection[str]:
        """Those of which it has no instance, or no task, or another update_time (external_instances/check)."""
        found: set[str] = set()
        for at in range(0, len(shown), _CHECKED):
            asked = [
                {
                    "instance_id": one.key,
                    "update_time": str(one.changed),
                    "tasks": [{"task_id": part.key, "update_time": str(part.changed)} for part in one.parts if part.state != "gone"],
                }
                for one in shown[at : at + _CHECKED]
            ]
            data = self._said(shown[at], "/open-apis/approval/v4/external_instances/check", {"instances": asked})
            found |= {str(one.get("instance_id")) for one in data.get("diff_instances") or ()}
        return found & {one.key for one in shown}


def _texts(texts: Mapping[str, tuple[str, str]]) -> list[dict[str, Any]]:
    """Texts in Chinese and in English, by the keys under which the rest names them."""
    return [
        {
            "locale": locale,
            "is_default": locale == "zh-CN",
            "texts": [{"key": f"@i18n@{key}", "value": cut(both[index], 2_000) or "-"} for key, both in texts.items()],
        }
        for index, locale in enumerate(("zh-CN", "en-US"))
    ]


def _milliseconds(at: dt.datetime | None) -> str:
    """Since 1970; 0 for what has not ended."""
    return str(int(at.timestamp() * 1000)) if at else "0"


class FeishuRobot(Chat):
    """Tells a group by its robot, and calls the person there by their open_id where it is known."""

    reaches = "group"
    CODE = "code"
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        "hook": Option(str, REQUIRED, "Last part of the robot's address"),
        "secret": Option(str, REQUIRED, "Secret of the robot's 签名校验"),
        "base_url": _BASE,
        **CHAT_OPTIONS,
    }
    BUSY = (9499, 11232)
    SETTINGS = (19001, 19021, 19022, 19024)

    def tell(self, message: Message) -> str:
        """Feishu gives robots' messages no id."""
        stamp = str(int(message.now.timestamp()))
        name = message.name.replace("<", "＜")
        named = f'<at user_id="{message.address}">{name}</at>' if message.address else name
        text = f"{named} {cut(plain(message).replace('<', '＜'), _MOST)}"
        body = {"timestamp": stamp, "sign": sign(self.options["secret"], stamp), "msg_type": "text", "content": {"text": text}}
        self.post(message, f"/open-apis/bot/v2/hook/{self.options['hook']}", body)
        return ""


def sign(secret: str, stamp: str) -> str:
    """A robot's signature over the seconds since 1970: HMAC-SHA256 of nothing under `stamp\\nsecret`, in Base64."""
    return base64.b64encode(hmac.new(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode()
