"""Payroll with a REST interface: social insurance, housing fund and the final settlement.

A payroll entry is not yet a declaration to the authority; the proof of that is a work item of the procedure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from connectors.push import Push


class PayrollHttp(Push):
    """Offers `payroll.stop_social_insurance`, `payroll.stop_housing_fund` and `payroll.request_settlement`."""

    PATHS: ClassVar[Mapping[str, str]] = {
        "payroll.stop_social_insurance": "/payroll/social-insurance/stop",
        "payroll.stop_housing_fund": "/payroll/housing-fund/stop",
        "payroll.request_settlement": "/payroll/settlements",
    }
