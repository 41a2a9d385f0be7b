"""DingTalk 钉钉: work messages to a person, and a signed robot in a group."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, ClassVar

from connectors.chat import CHAT_OPTIONS, Attempt, Chat, TokenChat, cut, plain
from connectors.options import REQUIRED, Option
from engine.ports import Message

_BASE = Option(str, "https://oapi.dingtalk.com", "Address of DingTalk")
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
        "base_url": _BASE,
        **CHAT_OPTIONS,
    }
    BUSY = (-1, 88, 90018, 143)
    TOKEN_OVER = (40001, 40014, 42001)
    SETTINGS = (40089, 40096, 33001)

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
        return self.token_in(self.post(message, "/gettoken", None, params=known, method="GET"), "access_token", "expires_in")


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
