"""Feishu 飞书: messages of an app to a person, and a signed robot in a group."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from connectors.chat import CHAT_OPTIONS, Chat, TokenChat, cut, plain
from connectors.options import REQUIRED, Option
from engine.errors import SettingWrong
from engine.ports import Message

_BASE = Option(str, "https://open.feishu.cn", "Address of Feishu")
#: bytes of a text: 20 kB are allowed for all of the JSON, in which a Chinese character takes twice its bytes
_MOST = 9_000
_IDS = ("open_id", "user_id", "union_id")


class Feishu(TokenChat):
    """Tells a person by a message of an app (im/v1/messages). A repeated attempt has the same uuid, by which Feishu drops it."""

    CODE = "code"
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        "app_id": Option(str, REQUIRED, "App ID"),
        "app_secret": Option(str, REQUIRED, "App Secret"),
        "id_type": Option(str, "open_id", "What its ids of people are: open_id, user_id or union_id"),
        "base_url": _BASE,
        **CHAT_OPTIONS,
    }
    BUSY = (99991400, 11232, 230020, 230049)
    TOKEN_OVER = (99991661, 99991663, 99991664, 99991665)
    SETTINGS = (10003, 10014, 99991672, 230006)

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name, options)
        if self.options["id_type"] not in _IDS:
            raise SettingWrong(setting=f"connectors.{name}.id_type", reason=f"it must be one of these: {', '.join(_IDS)}")

    def tell(self, message: Message) -> str:
        """Feishu's message_id."""
        lines = [[{"tag": "text", "text": cut(message.text, _MOST)}], [{"tag": "a", "text": message.link, "href": message.link}]]
        post = {"en_us" if message.locale == "en" else "zh_cn": {"title": cut(message.subject, 200), "content": lines}}
        uuid = hashlib.sha256(message.key.encode()).hexdigest()[:40]
        body = {"receive_id": message.address, "msg_type": "post", "content": json.dumps(post, ensure_ascii=False), "uuid": uuid}
        headers = {"Authorization": f"Bearer {self.token(message)}"}
        answer = self.post(message, "/open-apis/im/v1/messages", body, params={"receive_id_type": self.options["id_type"]}, headers=headers)
        data = answer.get("data")
        return str(data.get("message_id", "")) if isinstance(data, dict) else ""

    def fresh_token(self, message: Message) -> tuple[str, int]:
        known = {"app_id": self.options["app_id"], "app_secret": self.options["app_secret"]}
        answer = self.post(message, "/open-apis/auth/v3/tenant_access_token/internal", known)
        return self.token_in(answer, "tenant_access_token", "expire")


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
