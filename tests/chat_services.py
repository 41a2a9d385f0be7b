"""Local stand-ins of the chat services: they check addresses, tokens, signatures, shapes and limits, and answer as the real ones do.

Errors come with HTTP 200 and a code. The signatures are reckoned here anew, from the services' descriptions.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from dingtalk_to_dos import DingTalkToDos
from feishu_approvals import FeishuApprovals

#: whom the services know
KNOWN = "u-1"
SECRET = "SEC-of-the-tests"


class ChatServices:
    """What came in, and which answer comes next instead of the usual one."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        #: messages that were accepted
        self.taken: list[dict[str, Any]] = []
        #: tokens that were given out
        self.tokens = 0
        #: answers that come first, for messages only
        self.plan: list[dict[str, Any] | int] = []
        self.address = ""
        #: what the services call whoever has a number, or a mail address
        self.mobiles: dict[str, str] = {}
        self.mails: dict[str, str] = {}
        self._uuids: dict[str, str] = {}
        self.approvals = FeishuApprovals()
        self.to_dos = DingTalkToDos()

    def answer(
        self, method: str, path: str, query: dict[str, str], headers: Any, raw: bytes
    ) -> dict[str, Any] | int | tuple[int, dict[str, Any]]:
        body = json.loads(raw) if raw else {}
        if path.startswith("/v1.0/"):
            return self.to_dos.answer(method, path, query, headers, body)
        match path:
            case "/gettoken" if query == {"appkey": "k", "appsecret": SECRET}:
                return self._token({"errcode": 0, "access_token": "t", "expires_in": 7200})
            case "/cgi-bin/gettoken" if query == {"corpid": "k", "corpsecret": SECRET}:
                return self._token({"errcode": 0, "access_token": "t", "expires_in": 7200})
            case "/open-apis/auth/v3/tenant_access_token/internal" if body == {"app_id": "k", "app_secret": SECRET}:
                return self._token({"code": 0, "tenant_access_token": "t", "expire": 7200})
            case "/gettoken":
                return {"errcode": 40089, "errmsg": "不合法的corpid或corpsecret"}
        if self.plan:
            return self.plan.pop(0)
        if path.startswith("/open-apis/approval/v4/"):
            if headers["Authorization"] != "Bearer t":
                return {"code": 99991663, "msg": "Invalid access token for authorization."}
            return self.approvals.answer(path.removeprefix("/open-apis/approval/v4/"), body)
        return {
            "/topapi/v2/user/get": self._dingtalk_person,
            "/topapi/v2/user/getbymobile": self._dingtalk_by_mobile,
            "/cgi-bin/user/getuserid": self._wecom_by_mobile,
            "/cgi-bin/user/get_userid_by_email": self._wecom_by_mail,
            "/open-apis/contact/v3/users/batch_get_id": self._feishu_ids,
            "/topapi/message/corpconversation/asyncsend_v2": self._dingtalk,
            "/robot/send": self._dingtalk_robot,
            "/cgi-bin/message/send": self._wecom,
            "/cgi-bin/webhook/send": self._wecom_robot,
            "/open-apis/im/v1/messages": self._feishu,
            "/open-apis/bot/v2/hook/h": self._feishu_robot,
            "/hook": self._webhook,
        }.get(path, lambda *_: 404)(query, headers, body, raw)

    def _token(self, answer: dict[str, Any]) -> dict[str, Any]:
        self.tokens += 1
        return answer

    def _dingtalk(self, query: dict[str, str], headers: Any, body: Any, raw: bytes) -> dict[str, Any]:
        if query != {"access_token": "t"}:
            return {"errcode": 88, "sub_code": "40014", "errmsg": "不合法的access_token"}
        if body["userid_list"] != KNOWN or body["agent_id"] != 7:
            return {"errcode": 33012, "errmsg": "无效的USERID"}
        card = body["msg"]["oa"]
        assert body["msg"]["msgtype"] == "oa" and len(card["body"]["content"].encode()) <= 2048 and card["message_url"]
        self.taken.append({"text": card["body"]["content"], "link": card["message_url"]})
        return {"errcode": 0, "task_id": 256271667526, "request_id": "4jzllmte0wau"}

    def _dingtalk_person(self, query: dict[str, str], headers: Any, body: Any, raw: bytes) -> dict[str, Any]:
        if not body["userid"].startswith("d_"):
            return {"errcode": 60121, "errmsg": "找不到该用户"}
        return {"errcode": 0, "result": {"userid": body["userid"], "unionid": "union" + body["userid"].removeprefix("d_")}}

    def _dingtalk_by_mobile(self, query: dict[str, str], headers: Any, body: Any, raw: bytes) -> dict[str, Any]:
        if query != {"access_token": "t"}:
            return {"errcode": 88, "sub_code": "40014", "errmsg": "不合法的access_token"}
        assert set(body) == {"mobile"} and body["mobile"]
        if not body["mobile"].isdecimal():
            return {"errcode": 40104, "errmsg": "企业中无效的手机号"}
        if body["mobile"] not in self.mobiles:
            return {"errcode": 60121, "errmsg": "找不到该用户"}
        return {"errcode": 0, "errmsg": "ok", "result": {"userid": self.mobiles[body["mobile"]]}, "request_id": "5w82ciuur781"}

    def _wecom_by_mobile(self, query: dict[str, str], headers: Any, body: Any, raw: bytes) -> dict[str, Any]:
        assert query == {"access_token": "t"} and set(body) == {"mobile"}
        return self._wecom_user(self.mobiles.get(body["mobile"]))

    def _wecom_by_mail(self, query: dict[str, str], headers: Any, body: Any, raw: bytes) -> dict[str, Any]:
        assert query == {"access_token": "t"} and set(body) == {"email", "email_type"} and body["email_type"] in (1, 2)
        return self._wecom_user(self.mails.get(body["email"]) if body["email_type"] == 1 else None)

    def _wecom_user(self, userid: str | None) -> dict[str, Any]:
        return {"errcode": 0, "errmsg": "ok", "userid": userid} if userid else {"errcode": 46004, "errmsg": "user no exist"}

    def _feishu_ids(self, query: dict[str, str], headers: Any, body: Any, raw: bytes) -> dict[str, Any]:
        if headers["Authorization"] != "Bearer t":
            return {"code": 99991663, "msg": "Invalid access token for authorization."}
        assert query == {"user_id_type": "open_id"} and body["include_resigned"] is False
        mobiles, mails = body.get("mobiles", []), body.get("emails", [])
        if len(mobiles) > 50 or len(mails) > 50 or not (mobiles or mails):
            return {"code": 40001, "msg": "param error"}
        told = [{"mobile": one, **({"user_id": self.mobiles[one]} if one in self.mobiles else {})} for one in mobiles]
        told += [{"email": one, **({"user_id": self.mails[one]} if one in self.mails else {})} for one in mails]
        return {"code": 0, "msg": "success", "data": {"user_list": told}}

    def _dingtalk_robot(self, query: dict[str, str], headers: Any, body: Any, raw: bytes) -> dict[str, Any]:
        stamp = query["timestamp"]
        digest = hmac.digest(SECRET.encode(), (stamp + "\n" + SECRET).encode(), "sha256")
        fresh = abs(int(stamp) / 1000 - self.now()) < 3600
        if query["access_token"] != "t" or query["sign"] != base64.b64encode(digest).decode() or not fresh:
            return {"errcode": 310000, "errmsg": "sign not match"}
        assert body["msgtype"] == "text" and len(raw) <= 20_000
        called = body.get("at", {}).get("atUserIds", [])
        assert all(f"@{person}" in body["text"]["content"] for person in called)
        self.taken.append({"text": body["text"]["content"], "at": called})
        return {"errcode": 0, "errmsg": "ok"}

    def _wecom(self, query: dict[str, str], headers: Any, body: Any, raw: bytes) -> dict[str, Any]:
        if query != {"access_token": "t"}:
            return {"errcode": 40014, "errmsg": "invalid access_token"}
        card = body["textcard"]
        assert body["msgtype"] == "textcard" and body["agentid"] == 7
        if len(card["title"].encode()) > 128 or len(card["description"].encode()) > 512:
            return {"errcode": 40058, "errmsg": "invalid length"}
        if body["touser"] != KNOWN:
            return {"errcode": 0, "errmsg": "ok", "invaliduser": body["touser"], "msgid": "m"}
        self.taken.append({"text": card["description"], "link": card["url"]})
        return {"errcode": 0, "errmsg": "ok", "msgid": "m-1"}

    def _wecom_robot(self, query: dict[str, str], headers: Any, body: Any, raw: bytes) -> dict[str, Any]:
        if query != {"key": "k"}:
            return {"errcode": 93000, "errmsg": "invalid webhook url"}
        if len(body["text"]["content"].encode()) > 2048:
            return {"errcode": 40058, "errmsg": "text.content exceed max length 2048"}
        self.taken.append({"text": body["text"]["content"], "at": body["text"].get("mentioned_list", [])})
        return {"errcode": 0, "errmsg": "ok"}

    def _feishu(self, query: dict[str, str], headers: Any, body: Any, raw: bytes) -> dict[str, Any]:
        if headers["Authorization"] != "Bearer t":
            return {"code": 99991663, "msg": "Invalid access token for authorization."}
        if query != {"receive_id_type": "open_id"} or body["receive_id"] != KNOWN:
            return {"code": 230001, "msg": "invalid receive_id"}
        assert len(body["uuid"]) <= 50 and isinstance(body["content"], str) and body["msg_type"] == "post"
        [post] = json.loads(body["content"]).values()
        if body["uuid"] not in self._uuids:
            self._uuids[body["uuid"]] = f"om_{len(self._uuids)}"
            self.taken.append({"text": post["content"][0][0]["text"], "link": post["content"][1][0]["href"]})
        return {"code": 0, "msg": "success", "data": {"message_id": self._uuids[body["uuid"]]}}

    def _feishu_robot(self, query: dict[str, str], headers: Any, body: Any, raw: bytes) -> dict[str, Any]:
        digest = hmac.digest((body["timestamp"] + "\n" + SECRET).encode(), b"", "sha256")
        if body["sign"] != base64.b64encode(digest).decode() or abs(int(body["timestamp"]) - self.now()) > 3600:
            return {"code": 19021, "msg": "sign match fail or timestamp is not within one hour from current time"}
        assert body["msg_type"] == "text" and len(raw) <= 20_000
        self.taken.append({"text": body["content"]["text"]})
        return {"code": 0, "msg": "success", "data": {}}

    def _webhook(self, query: dict[str, str], headers: Any, body: Any, raw: bytes) -> dict[str, Any] | int:
        stamp = headers["X-Partwell-Timestamp"]
        digest = hmac.new(SECRET.encode(), stamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
        if headers["X-Partwell-Signature"] != f"sha256={digest}" or abs(int(stamp) - self.now()) > 300:
            return 403
        assert headers["Content-Type"] == "application/json"
        self.taken.append({**body, "idempotency": headers["Idempotency-Key"], "desk": headers.get("X-Desk")})
        return {"id": "n-1"}


@contextmanager
def listening(now: Callable[[], float]) -> Iterator[ChatServices]:
    """The services at an address of this machine; `now`: seconds since 1970, by which they judge timestamps."""
    services = ChatServices(now)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._do(b"")

        def do_POST(self) -> None:
            self._do(self.rfile.read(int(self.headers["Content-Length"])))

        do_PUT = do_POST

        def do_DELETE(self) -> None:
            self._do(b"")

        def _do(self, raw: bytes) -> None:
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            given = services.answer(self.command, address.path, query, self.headers, raw)
            status, told = given if isinstance(given, tuple) else (given, {}) if isinstance(given, int) else (200, given)
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        services.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield services
        finally:
            server.shutdown()
            thread.join()
