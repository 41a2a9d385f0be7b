"""What every answer carries against attacks from other sites, and the check of forms against forgery."""

from __future__ import annotations

import hmac

from flask import Flask, Response, abort, current_app, g, request, session
from flask_wtf.csrf import CSRFProtect

from engine.services import Services

csrf = CSRFProtect()
#: what a form's token must say, in the session
TOKEN = "csrf_token"

_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",  # the style sheet's small pictures
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


def whose_forms() -> None:
    """Lets a page's forms be taken from whom it was made for, and from nobody else.

    Not only from the session in which it was made: whoever logs in again beside a page, because the log-in ended or the browser forgot
    its cookies, sends it as it is, with all they typed.
    """
    person = g.get("person")
    if person is None or request.path.startswith("/api/"):
        return
    own = hmac.digest(_key(), f"forms of {person.id}".encode(), "sha256").hex()
    if session.get(TOKEN) != own:
        session[TOKEN] = own


def _key() -> bytes:
    key = current_app.secret_key
    assert isinstance(key, bytes)
    return key


def init_app(app: Flask) -> None:
    """Forgery check on, cookies and headers hardened. HSTS and Secure cookies where the public address is https."""
    services: Services = app.extensions["partwell"]
    https = services.settings.address.startswith("https://")
    # every process of an installation has the same key file, so a form made by one is taken by another
    app.secret_key = hmac.digest(services.keyring.signer.private_bytes_raw(), b"partwell web forms", "sha256")
    app.config.update(
        SESSION_COOKIE_NAME="partwell_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
        # A form may lie open on a desk all day; whose it is, is checked anyway.
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=https,
    )
    # before the check itself, which looks at the session
    app.before_request(whose_forms)
    csrf.init_app(app)

    @app.before_request
    def no_zero_bytes() -> None:
        """Nobody types one into an address, and no database takes one in a text. What programs ask is read by `api.shapes`."""
        inside = () if request.path.startswith("/api/") else request.args.values()
        if any("\0" in text for text in map(str, (*(request.view_args or {}).values(), *inside))):
            abort(404)

    @app.after_request
    def harden(answer: Response) -> Response:
        answer.headers.setdefault("Content-Security-Policy", _POLICY)
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
        answer.headers.setdefault("X-Frame-Options", "DENY")
        answer.headers.setdefault("Referrer-Policy", "same-origin")
        answer.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        answer.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        if https:
            answer.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        if request.endpoint != "static":
            # personal data stay out of shared and disk caches
            answer.headers.setdefault("Cache-Control", "no-store" if g.get("person") else "no-cache")
        return answer
