import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from web_office import PASSWORD, Office, token

from engine.models import Account, WebSession


def _log_in(office: Office, login: str, password: str, **fields: str):
    client = office.app.test_client()
    data = {"csrf_token": token(client, "/log-in"), "login": login, "password": password, **fields}
    return client, client.post("/log-in", data=data)


def test_a_wrong_password_is_said_plainly_and_opens_nothing(office: Office) -> None:
    """Somebody with a wrong password stays outside and keeps the login they typed."""
    client, answer = _log_in(office, "wangfang", "wrong")
    assert answer.status_code == 401
    assert "账号或密码不正确" in answer.text and 'value="wangfang"' in answer.text
    assert client.get("/inbox").status_code == 302


def test_only_the_digest_of_a_session_is_stored(office: Office) -> None:
    """The secret in the cookie is nowhere in the database, and the cookie is closed to scripts and other sites."""
    _, answer = _log_in(office, "wangfang", PASSWORD)
    cookie = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith("partwell_session="))
    secret = re.match(r"partwell_session=([^;]+)", cookie)[1]
    assert len(secret) >= 43 and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    with office.services.database.reading() as connection:
        stored = connection.execute(sa.select(WebSession.id)).scalars().all()
    assert stored and secret not in stored and all(len(digest) == 64 for digest in stored)


def test_logging_in_again_ends_the_session_before(office: Office) -> None:
    """The session of a log-in is always new; the old one of that browser is gone."""
    client, _ = _log_in(office, "chenli", PASSWORD)
    old = client.get_cookie("partwell_session").value
    page = client.get("/account").text
    client.post("/log-in", data={"csrf_token": re.search(r'csrf_token" value="([^"]+)', page)[1], "login": "chenli", "password": PASSWORD})
    assert client.get_cookie("partwell_session").value != old
    thief = office.app.test_client()
    thief.set_cookie("partwell_session", old)
    assert thief.get("/inbox").status_code == 302


def test_logging_out_ends_the_session_for_everybody_who_has_its_secret(office: Office) -> None:
    """After the log-out the cookie opens nothing any more."""
    client = office.browser("liuhai")
    secret = client.get_cookie("partwell_session").value
    assert office.post(client, "/log-out").status_code == 302
    client.set_cookie("partwell_session", secret)
    assert client.get("/inbox").status_code == 302


def test_ten_failed_tries_make_the_login_wait(office: Office) -> None:
    """The eleventh try is not even checked, with the right password neither; other logins are not concerned."""
    for _ in range(10):
        assert _log_in(office, "hexiulan", "wrong")[1].status_code == 401
    _, answer = _log_in(office, "hexiulan", PASSWORD)
    assert answer.status_code == 429 and "分钟后再试" in answer.text
    assert _log_in(office, "zhengwenbo", PASSWORD)[1].status_code == 302


def test_a_disabled_account_is_outside_at_once(office: Office) -> None:
    """Disabling an account ends what is open, not only the next log-in."""
    client = office.browser("zhengwenbo")
    assert client.get("/inbox").status_code == 200
    with office.services.database.unit() as unit:
        unit.connection.execute(sa.update(Account).where(Account.login == "zhengwenbo").values(disabled=True))
        unit.commit()
    assert client.get("/inbox").status_code == 302


@pytest.mark.parametrize("address", ["//evil.example/x", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_a_log_in_leads_nowhere_but_to_this_site(office: Office, address: str) -> None:
    """An address of another site in the link is dropped."""
    _, answer = _log_in(office, "wangfang", PASSWORD, next=address)
    location = answer.headers["Location"]
    assert location.startswith("/") and not location.startswith(("//", "/\\"))


def test_after_the_log_in_one_is_where_one_wanted_to_go(office: Office) -> None:
    """A page asked for without a session comes back after the log-in."""
    client = office.app.test_client()
    asked = client.get("/cases?status=closed")
    assert asked.status_code == 302
    page = client.get(asked.headers["Location"])
    data = {name: re.search(rf'name="{name}" value="([^"]+)', page.text)[1] for name in ("csrf_token", "next")}
    answer = client.post("/log-in", data={**data, "login": "wangfang", "password": PASSWORD})
    assert answer.headers["Location"] == "/cases?status=closed"


def test_a_part_of_a_page_sends_the_whole_page_to_the_log_in(office: Office) -> None:
    """When the session ended, what polls in the background does not put a log-in page into a list."""
    answer = office.app.test_client().get("/inbox/tabs", headers={"HX-Request": "true"})
    assert answer.status_code == 204 and answer.headers["HX-Redirect"].startswith("/log-in")


def test_a_form_from_elsewhere_changes_nothing(office: Office) -> None:
    """A post without the token of the page is refused and says what to do."""
    client = office.browser("wangfang")
    answer = client.post("/language", data={"locale": "en"})
    assert answer.status_code == 400 and "刷新页面" in answer.text
    assert 'lang="zh-CN"' in client.get("/account").text


def test_the_language_is_kept_with_the_account(office: Office) -> None:
    """Who chose English finds English again in another browser."""
    office.browser("sunzhiyuan", language="en")
    page = office.browser("sunzhiyuan").get("/inbox").text
    assert '<html lang="en">' in page and "Inbox" in page


def test_the_browser_s_language_holds_where_nobody_chose(office: Office) -> None:
    """The log-in page speaks English to an English browser and Chinese to all others."""
    client = office.app.test_client()
    assert "Log in" in client.get("/log-in", headers={"Accept-Language": "en-GB,en;q=0.8"}).text
    assert "登录" in office.app.test_client().get("/log-in", headers={"Accept-Language": "fr"}).text


def test_every_answer_is_hardened(office: Office) -> None:
    """Pages, parts, files and failures carry the headers; nothing allows inline script."""
    client = office.browser("wangfang")
    for address in ("/inbox", "/static/app.css", "/nowhere", "/api/v1/me", "/health"):
        headers = client.get(address).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"] and "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["X-Frame-Options"] == "DENY"
        assert "Strict-Transport-Security" not in headers
    assert client.get("/inbox").headers["Cache-Control"] == "no-store"


def test_under_https_cookies_and_site_stay_there(tmp_path: Path) -> None:
    """With a public address of https, cookies are Secure and browsers are told to keep to it."""
    office = Office(tmp_path, public_url="https://partwell.example")
    client = office.app.test_client()
    page = client.get("/log-in", base_url="https://partwell.example")
    assert "max-age" in page.headers["Strict-Transport-Security"] and "Secure" in page.headers["Set-Cookie"]
    office.services.database.dispose()
