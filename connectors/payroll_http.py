"""Payroll with a REST interface: social insurance, housing fund and the final settlement.

A payroll entry is not yet a declaration to the authority; the proof of that is a work item of the procedure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from connectors.push import ACCEPTED, EMPLOYEE, Push
from engine.ports import Description, Parameter

_END = Parameter("end_date", "劳动合同终结日期", "Last day of employment", "date")
_LAST_MONTH = Parameter("last_month", "最后缴纳月份（如 2026-12）", "Last month paid, such as 2026-12")


class PayrollHttp(Push):
    """Offers `payroll.stop_social_insurance`, `payroll.stop_housing_fund` and `payroll.request_settlement`."""

    PATHS: ClassVar[Mapping[str, str]] = {
        "payroll.stop_social_insurance": "/payroll/social-insurance/stop",
        "payroll.stop_housing_fund": "/payroll/housing-fund/stop",
        "payroll.request_settlement": "/payroll/settlements",
    }
    descriptions: ClassVar[Sequence[Description]] = (
        Description(
            name="payroll.stop_social_insurance",
            label="推送社保停缴",
            label_en="Stop social insurance",
            description="通知薪酬系统停缴员工的社会保险，取回受理编号。受理不等于已向经办机构办妥减员，回执请另设待办登记。",
            description_en="Tells payroll to stop the employee's social insurance and brings back its reference number. That is not yet a "
            "declaration to the authority: let a person record its receipt.",
            icon="shield-check",
            inputs=(EMPLOYEE, _END, _LAST_MONTH),
            open=True,
            outputs=ACCEPTED,
            variable="social_insurance_push",
        ),
        Description(
            name="payroll.stop_housing_fund",
            label="推送公积金停缴",
            label_en="Stop the housing fund",
            description="通知薪酬系统停缴员工的住房公积金，取回受理编号。受理不等于已办妥封存，回执请另设待办登记。",
            description_en="Tells payroll to stop the employee's housing fund and brings back its reference number. That is not yet a "
            "declaration to the fund: let a person record its receipt.",
            icon="building",
            inputs=(EMPLOYEE, _END, _LAST_MONTH),
            open=True,
            outputs=ACCEPTED,
            variable="housing_fund_push",
        ),
        Description(
            name="payroll.request_settlement",
            label="申请离职结算",
            label_en="Request the final settlement",
            description="请薪酬系统核算并支付离职结算，取回受理编号；金额由薪酬系统计算。",
            description_en="Asks payroll to calculate and pay the final settlement and brings back its reference number. "
            "Payroll calculates the amount.",
            icon="scale",
            inputs=(
                EMPLOYEE,
                _END,
                Parameter("ground", "解除依据（如 D39-1）", "Ground of the dismissal, such as D39-1"),
                Parameter("pay_date", "结清日期", "To be paid on", "date"),
            ),
            open=True,
            outputs=ACCEPTED,
            variable="settlement",
        ),
    )
