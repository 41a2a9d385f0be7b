"""OA with a REST interface: accounts and notices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from connectors.push import Push


class OaHttp(Push):
    """Offers `oa.deactivate_account` and `oa.notice`."""

    PATHS: ClassVar[Mapping[str, str]] = {"oa.deactivate_account": "/oa/accounts/deactivate", "oa.notice": "/oa/notices"}
