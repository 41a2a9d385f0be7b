"""OA with a REST interface: accounts and notices."""

from __future__ import annotations

from connectors.push import Push


class OaHttp(Push):
    """Offers `oa.deactivate_account` and `oa.notice`."""

    PATHS = {"oa.deactivate_account": "/oa/accounts/deactivate", "oa.notice": "/oa/notices"}
