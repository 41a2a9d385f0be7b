"""OA with a REST interface: accounts and notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from connectors.push import ACCEPTED, EMPLOYEE, Push
from engine.ports import Description, Parameter


class OaHttp(Push):
    """Offers `oa.deactivate_account` and `oa.notice`."""

    PATHS: ClassVar[Mapping[str, str]] = {"oa.deactivate_account": "/oa/accounts/deactivate", "oa.notice": "/oa/notices"}
    descriptions: ClassVar[Sequence[Description]] = (
        Description(
            name="oa.deactivate_account",
            label="停用系统账号",
            label_en="Deactivate the account",
            description="请 OA 停用员工的账号，取回受理编号。",
            description_en="Asks the OA to deactivate the employee's account and brings back its reference number.",
            icon="lock",
            inputs=(EMPLOYEE, Parameter("end_date", "停用日期", "From which day", "date")),
            open=True,
            outputs=ACCEPTED,
            variable="account_push",
        ),
        Description(
            name="oa.notice",
            label="发布 OA 通知",
            label_en="Publish a notice in the OA",
            description="在 OA 发布通知，取回受理编号。标题、正文等内容按贵公司 OA 接口的字段名填写，原样传送。",
            description_en="Publishes a notice in the OA and brings back its reference number. What the notice says is sent on as it is "
            "mapped, under the names that the company's OA takes.",
            icon="send",
            inputs=(
                Parameter("employee", "工号（与某名员工有关时）", "Employee number, if it is about one", default="=subject.employee_no"),
            ),
            open=True,
            outputs=ACCEPTED,
            variable="notice_push",
        ),
    )
