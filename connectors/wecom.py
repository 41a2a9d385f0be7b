"""WeCom 企业微信: messages of an app to a person, and a robot in a group."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from connectors.chat import CHAT_OPTIONS, Asking, Attempt, Chat, TokenChat, cut, plain
from connectors.options import REQUIRED, Option
from engine.errors import Refused
from engine.ports import Message, Sought

_BASE = Option(str, "https://qyapi.weixin.qq.com", "Address of WeCom")
#: codes of a number or a mail address that nobody of the company has, and of one that is none
_NOBODY = (46004, 60103, 60105)
#: bytes of a card's title and description, and of a robot's text
_TITLE, _DESCRIPTION, _TEXT = 128, 512, 2048


class WeCom(TokenChat):
    """Tells a person by a text card of an app (cgi-bin/message/send); addresses are userids.

    WeCom has no key, but drops what it was sent before within half an hour.
    """

    OPTIONS: ClassVar[Mapping[str, Option]] = {
        "corp_id": Option(str, REQUIRED, "Id of the company"),
        "secret": Option(str, REQUIRED, "Secret of the app"),
        "agent_id": Option(int, REQUIRED, "Its AgentId"),
        "base_url": _BASE,
        **CHAT_OPTIONS,
    }
    BUSY = (-1, 45009, 45033)
    TOKEN_OVER = (40014, 42001, 41001)
    SETTINGS = (40001, 40013, 40056, 60020, 301002)
    at_once = 20  # up to three requests about each

    def tell(self, message: Message) -> str:
        """WeCom's msgid. Raises Refused, too, where it does not know the person."""
        card = {
            "title": cut(message.subject, _TITLE),
            "description": cut(html.escape(message.text, quote=False), _DESCRIPTION),
            "url": message.link,
        }
        body: dict[str, Any] = {"touser": message.address, "msgtype": "textcard", "agentid": self.options["agent_id"], "textcard": card}
        body |= {"enable_duplicate_check": 1, "duplicate_check_interval": 1800}
        answer = self.post(message, "/cgi-bin/message/send", body, params={"access_token": self.token(message)})
        if answer.get("invaliduser") or answer.get("unlicenseduser"):
            raise Refused(system=self.channel, operation="notice", reason="it does not know the person by this id")
        return str(answer.get("msgid", ""))

    def find(self, sought: Sequence[Sought], now: dt.datetime) -> Mapping[str, Collection[str] | Refused]:
        """One after another: by number (user/getuserid), else by mail of the company or their own (user/get_userid_by_email).

        Nothing more is asked about whom it knows: WeCom answers no more to whoever asks often for what it does not know.
        """
        found: dict[str, Collection[str] | Refused] = {}
        asking = Asking(key="find", operation="look_up", now=now)
        for one in sought:
            asked: list[tuple[str, dict[str, Any]]] = [("getuserid", {"mobile": one.mobile})] if one.mobile else []
            asked += [("get_userid_by_email", {"email": one.email, "email_type": kind}) for kind in (1, 2)] if one.email else []
            for path, body in asked:
                params = {"access_token": self.token(asking)}
                try:
                    answer = self.post(asking, f"/cgi-bin/user/{path}", body, params=params, unless=_NOBODY)
                except Refused as refused:  # this number or address; it keeps nobody else from being found
                    found[one.key] = refused
                    continue
                if isinstance(answer.get("userid"), str) and answer["userid"]:
                    found[one.key] = {answer["userid"]}
                    break
        return found

    def fresh_token(self, message: Attempt) -> tuple[str, int]:
        known = {"corpid": self.options["corp_id"], "corpsecret": self.options["secret"]}
        return self.token_in(
            message, self.post(message, "/cgi-bin/gettoken", None, params=known, method="GET"), "access_token", "expires_in"
        )


class WeComRobot(Chat):
    """Tells a group by its robot, and calls the person there by their userid where it is known."""

    reaches = "group"
    OPTIONS: ClassVar[Mapping[str, Option]] = {
        "key": Option(str, REQUIRED, "key in the robot's address"),
        "base_url": _BASE,
        **CHAT_OPTIONS,
    }
    BUSY = (-1, 45009, 45033)
    SETTINGS = (93000, 40058)

    def tell(self, message: Message) -> str:
        """WeCom gives robots' messages no id."""
        text: dict[str, Any] = {"content": cut(plain(message) if message.address else f"{message.name} {plain(message)}", _TEXT)}
        if message.address:
            text["mentioned_list"] = [message.address]
        self.post(message, "/cgi-bin/webhook/send", {"msgtype": "text", "text": text}, params={"key": self.options["key"]})
        return ""
