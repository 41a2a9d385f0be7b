"""Channels of notices at chat services, against stand-ins that check signature, shape and limits."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from chat_services import KNOWN, SECRET, ChatServices, listening

from connectors.dingtalk import DingTalk, DingTalkRobot
from connectors.feishu import Feishu, FeishuRobot
from connectors.webhook import Webhook
from connectors.wecom import WeCom, WeComRobot
from engine.errors import NeedsPerson, OperationFailed, Refused, SettingWrong, TryAgain
from engine.ports import Finder, Message, Notifier, Sought

NOW = dt.datetime(2026, 11, 24, 2, 0, tzinfo=dt.UTC)
LINK = "https://partwell.company.example/items/1"
TEXT = "解除劳动合同：林小北 (2026-0001)：请您处理“审批”。"
#: type -> class, its options
CHANNELS: dict[str, tuple[Any, dict[str, Any]]] = {
    "dingtalk": (DingTalk, {"app_key": "k", "app_secret": SECRET, "agent_id": 7}),
    "dingtalk_robot": (DingTalkRobot, {"access_token": "t", "secret": SECRET}),
    "wecom": (WeCom, {"corp_id": "k", "secret": SECRET, "agent_id": 7}),
    "wecom_robot": (WeComRobot, {"key": "k"}),
    "feishu": (Feishu, {"app_id": "k", "app_secret": SECRET}),
    "feishu_robot": (FeishuRobot, {"hook": "h", "secret": SECRET}),
    "webhook": (Webhook, {"secret": SECRET}),
}
APPS = ("dingtalk", "wecom", "feishu")


@pytest.fixture
def there() -> Iterator[ChatServices]:
    with listening(NOW.timestamp) as services:
        yield services


def channel(type: str, there: ChatServices, **other: Any) -> Any:
    made, options = CHANNELS[type]
    address = there.address + ("/hook" if type == "webhook" else "")
    return made(type, {**options, "base_url": address, **other})


def message(**other: Any) -> Message:
    given = {"key": "notice:1", "kind": "opened", "address": KNOWN, "name": "王芳", "subject": "待办：审批", "text": TEXT, "link": LINK}
    return Message(**{**given, "now": NOW, **other})


@pytest.mark.parametrize("type", CHANNELS)
def test_a_message_arrives_with_its_link(type: str, there: ChatServices) -> None:
    """The service accepts signature and shape, and the person reads what it is about and where it leads."""
    found = channel(type, there)
    assert isinstance(found, Notifier) and found.channel == found.system == type
    found.tell(message())
    [taken] = there.taken
    assert TEXT in taken["text"] and LINK in (taken.get("link") or taken["text"])


@pytest.mark.parametrize("type", [name for name in CHANNELS if name.endswith("_robot")])
def test_a_robot_calls_whom_it_can(type: str, there: ChatServices) -> None:
    """With the person's id there it calls them; without, it writes their name."""
    found = channel(type, there)
    assert found.reaches == "group"
    found.tell(message())
    found.tell(message(address=""))
    called, named = there.taken
    assert KNOWN in str(called) and KNOWN not in str(named) and "王芳" in named["text"]


@pytest.mark.parametrize("type", CHANNELS)
def test_what_is_too_long_is_cut(type: str, there: ChatServices) -> None:
    """A digest beyond the service's limit arrives with a mark instead of being refused."""
    channel(type, there).tell(message(text="长" * 9000))
    assert len(there.taken) == 1 and (type == "webhook" or "…" in there.taken[0]["text"])


@pytest.mark.parametrize("type", [name for name in CHANNELS if "robot" in name and name != "wecom_robot"] + ["webhook"])
def test_a_wrong_secret_is_not_tried_again(type: str, there: ChatServices) -> None:
    """What a signature was refused for, a person must repair."""
    with pytest.raises((NeedsPerson, Refused)):
        channel(type, there, secret="another").tell(message())
    assert there.taken == []


@pytest.mark.parametrize(
    ("type", "answer", "kind"),
    [
        ("dingtalk", {"errcode": 90018, "errmsg": "您的服务器调用钉钉开放平台所有接口的请求都被暂时禁用了"}, TryAgain),
        ("dingtalk", {"errcode": 33012, "errmsg": "无效的USERID"}, Refused),
        ("dingtalk_robot", {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}, TryAgain),
        ("wecom", {"errcode": 45009, "errmsg": "api freq out of limit"}, TryAgain),
        ("wecom", {"errcode": 81013, "errmsg": "user & party & tag all invalid"}, Refused),
        ("wecom_robot", {"errcode": 93000, "errmsg": "invalid webhook url"}, NeedsPerson),
        ("feishu", {"code": 99991400, "msg": "request trigger frequency limit"}, TryAgain),
        ("feishu", {"code": 230013, "msg": "Bot has NO availability to this user."}, Refused),
        ("feishu_robot", {"code": 11232, "msg": "frequency limited psm"}, TryAgain),
        ("feishu_robot", {"odd": True}, NeedsPerson),
        ("webhook", 503, TryAgain),
        ("webhook", 400, Refused),
    ],
)
def test_errors_are_classified(type: str, answer: Any, kind: type[OperationFailed], there: ChatServices) -> None:
    """Errors that come with HTTP 200 are told by their code: later, never, or a person; what was said is kept."""
    there.plan = [answer]
    with pytest.raises(kind) as failed:
        channel(type, there).tell(message())
    assert failed.value.answer and there.taken == []


@pytest.mark.parametrize("type", APPS)
def test_a_token_is_kept_until_shortly_before_its_end(type: str, there: ChatServices) -> None:
    """One token serves many messages; a new one is asked for before it ends, or when the service says that it is over."""
    found = channel(type, there)
    for minutes in (0, 60, 114):
        found.tell(message(key=f"k{minutes}", now=NOW + dt.timedelta(minutes=minutes)))
    assert there.tokens == 1
    found.tell(message(key="late", now=NOW + dt.timedelta(minutes=116)))
    assert there.tokens == 2
    there.plan = [{"code": 99991663} if type == "feishu" else {"errcode": 40014}]
    with pytest.raises(TryAgain):
        found.tell(message(key="over", now=NOW + dt.timedelta(minutes=117)))
    found.tell(message(key="over", now=NOW + dt.timedelta(minutes=118)))
    assert there.tokens == 3


def sought(key: str, mobile: str = "", email: str = "") -> Sought:
    return Sought(key=key, mobile=mobile, email=email)


@pytest.mark.parametrize("type", APPS)
def test_apps_tell_what_they_call_whom(type: str, there: ChatServices) -> None:
    """By number, and by mail where the service tells that; whom it does not know is left out, and who is two people there is both.

    WeCom is asked by mail only for whom it does not know by number.
    """
    there.mobiles, there.mails = {"13900000001": "u1", "13900000002": "u2"}, {"a@x.example": "u3", "b@x.example": "u2"}
    found = channel(type, there)
    assert isinstance(found, Finder) and found.system == type
    asked = [sought("a", "13900000001"), sought("b", "13900000002", "a@x.example"), sought("c", email="b@x.example")]
    asked += [
        sought("d", "13900000009", "nobody@x.example"),
        *(sought(f"e{n}", f"1380000{n:04}") for n in range(60 if type == "feishu" else 1)),
    ]
    told = {key: sorted(ids) for key, ids in found.find(asked, NOW).items()}
    by_mail = {"dingtalk": {}, "wecom": {"c": ["u2"]}, "feishu": {"b": ["u2", "u3"], "c": ["u2"]}}[type]
    assert told == {"a": ["u1"], "b": ["u2"], **by_mail} and there.taken == []
    there.plan = [{"code": 99991400} if type == "feishu" else {"errcode": -1}]
    with pytest.raises(TryAgain):
        found.find(asked, NOW)


@pytest.mark.parametrize("type", ["dingtalk", "wecom"])
def test_a_number_that_is_refused_keeps_nobody_from_being_found(type: str, there: ChatServices) -> None:
    """Whoever stands behind that person is still asked for; a number or an address that is none is one that nobody has."""
    there.mobiles, there.mails = {"1": "u1", "2": "u2"}, {"a@x.example": "u3"}
    there.plan = [{"errcode": 60011}]
    told = channel(type, there).find([sought("a", "1"), sought("b", "2")], NOW)
    assert isinstance(told["a"], Refused) and told["a"].facts["operation"] == "look_up" and told["b"] == {"u2"}
    if type == "wecom":
        there.plan = [{"errcode": 60103}]
        assert channel(type, there).find([sought("a", "1", "a@x.example")], NOW) == {"a": {"u3"}}
        there.plan = [{"errcode": code} for code in (60103, 60105, 60105)]
        assert channel(type, there).find([sought("a", "1", "a@x.example")], NOW) == {}


def test_feishu_may_say_nothing_of_a_person(there: ChatServices) -> None:
    """A number or an address that it gives as null is nobody's; a list of people that is none is for a person to look at."""
    feishu = channel("feishu", there)
    null = [{"user_id": "u0", "email": None, "mobile": None}, {"user_id": "u1", "email": "A@x.example"}]
    there.plan = [{"code": 0, "data": {"user_list": null}}, {"code": 0, "data": {"user_list": 5}}]
    assert feishu.find([sought("a", "1", "a@x.example")], NOW) == {"a": {"u1"}}
    with pytest.raises(NeedsPerson) as failed:
        feishu.find([sought("a", "1")], NOW)
    assert failed.value.facts["operation"] == "look_up"


def test_feishu_drops_a_repetition(there: ChatServices) -> None:
    """A second attempt under the same key is the same message there."""
    feishu = channel("feishu", there)
    assert feishu.tell(message()) == feishu.tell(dataclasses.replace(message(), now=NOW + dt.timedelta(minutes=1))) == "om_0"
    assert len(there.taken) == 1


def test_a_webhook_is_signed_over_the_bytes_it_sends(there: ChatServices) -> None:
    """The receiver sees the key, who it is for, and a body that it can check."""
    assert channel("webhook", there).tell(message()) == "n-1"
    assert there.taken[0]["person"] == KNOWN and there.taken[0]["idempotency"] == "notice:1"


@pytest.mark.parametrize("type", APPS)
def test_the_check_tells_that_the_secret_can_be_read(type: str, there: ChatServices) -> None:
    """A service elsewhere is spoken to over an encrypted line only, or administrators read that it is not."""
    found = channel(type, there, base_url="http://0.0.0.0:1", timeout=0.5).check()
    assert found[0] == "the address is not encrypted, so our secret can be read on the way" and len(found) == 2


@pytest.mark.parametrize("type", APPS)
def test_the_check_asks_for_a_token(type: str, there: ChatServices) -> None:
    """`partwell connectors` tells whether app and secret are right, and sends nobody anything."""
    assert channel(type, there).check() == [] and there.tokens == 1 and there.taken == []
    wrong = {"dingtalk": "app_secret", "wecom": "secret", "feishu": "app_secret"}[type]
    assert channel(type, there, **{wrong: "another"}).check() != []


def test_settings_of_channels_are_checked(there: ChatServices) -> None:
    """A missing secret and a kind of id that Feishu does not have are named."""
    with pytest.raises(SettingWrong, match=r"connectors\.x\.secret"):
        DingTalkRobot("x", {"access_token": "t"})
    with pytest.raises(SettingWrong, match=r"connectors\.feishu\.id_type"):
        channel("feishu", there, id_type="email")
