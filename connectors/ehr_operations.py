"""What the operations of an EHR take and give, whatever speaks to it: the description of `connectors.rows`."""

from __future__ import annotations

from collections.abc import Sequence

from engine.ports import Description, Parameter, Result

_EMPLOYEE = Parameter("employee", "工号", "Employee number", required=True, default="=subject.employee_no")
_WINDOW = (
    _EMPLOYEE,
    Parameter("team", "对比班组（留空则只取本人）", "Team to compare with (empty: the employee alone)", default="=subject.team"),
    Parameter("from", "起始日期", "First day", "date", required=True, default='=string(today() - duration("P3M"))'),
    Parameter("to", "截止日期（含）", "Last day, included", "date", required=True, default="=string(today())"),
)
_ROWS = (
    Result("employee", "工号", "Employee number"),
    Result("team", "班组", "Team"),
    Result("from", "起始日期", "First day", "date"),
    Result("to", "截止日期", "Last day", "date"),
    Result("rows", "逐条记录", "Rows", "list"),
    Result("missing", "缺失数据", "What is missing", "list"),
)

DESCRIPTIONS: Sequence[Description] = (
    Description(
        name="ehr.employee",
        label="调取人事档案",
        label_en="Get the employee's record",
        description="从人事系统取一名员工的档案：岗位、合同、试用期、录用条件、特殊保护情形、监测告知。档案没有的项目为空，并列入缺失数据。",
        description_en="Reads one employee's record: post, contract, probation, hiring conditions, protection, notice of monitoring. "
        "What the record lacks is null and listed as missing.",
        icon="user-circle",
        inputs=(_EMPLOYEE,),
        outputs=(
            Result("employee", "工号", "Employee number"),
            Result("name", "姓名", "Name"),
            Result("department", "部门", "Department"),
            Result("team", "班组", "Team"),
            Result("post", "岗位", "Post"),
            Result("hired_on", "入职日期", "Hired on", "date"),
            Result("contract.type", "合同类型", "Type of contract"),
            Result("contract.start", "合同起始日", "Contract begins", "date"),
            Result("contract.end", "合同到期日", "Contract ends", "date"),
            Result("contract.consecutive", "连续订立次数", "Consecutive contracts", "number"),
            Result("probation.agreed_months", "约定试用期（月）", "Agreed probation (months)", "number"),
            Result("hiring_conditions.told_on", "录用条件告知日期", "Told the hiring conditions on", "date"),
            Result("hiring_conditions.items", "录用条件", "Hiring conditions", "list"),
            Result("protected.pregnant", "孕期", "Pregnant", "boolean"),
            Result("protected.maternity_leave_until", "产假至", "Maternity leave until", "date"),
            Result("protected.breastfeeding_until", "哺乳期至", "Breastfeeding until", "date"),
            Result("protected.medical_period_end", "医疗期至", "Medical period until", "date"),
            Result("protected.work_injury_capacity_loss", "工伤丧失劳动能力", "Capacity lost by work injury", "boolean"),
            Result("protected.suspected_occupational_disease", "疑似职业病", "Suspected occupational disease", "boolean"),
            Result("protected.union_officer_until", "工会职务任期至", "Union office until", "date"),
            Result("monitoring_notice.acknowledged_on", "监测告知确认日期", "Notice of monitoring acknowledged on", "date"),
            Result("monitoring_notice.version", "监测告知版本", "Version of that notice"),
            Result("months_to_retirement", "距法定退休（月）", "Months to retirement", "number"),
            Result("missing", "缺失数据", "What is missing", "list"),
        ),
        variable="employee",
    ),
    Description(
        name="ehr.app_usage",
        label="调取应用使用记录",
        label_en="Get app usage",
        description="取一段时间内逐日的应用使用记录；填了班组，同时取班组其他人的记录作对比。"
        "每条含日期 date、类别 category、分钟数 value、次数 count。数据较多时只存引用，请整体交给后续操作使用。",
        description_en="Reads how long applications were used day by day, of the team's other members too where a team is given. "
        "A row has date, category, value (minutes) and count. Many rows are kept as a reference: hand the whole on to an operation.",
        icon="clock",
        inputs=_WINDOW,
        outputs=_ROWS,
        variable="app_usage",
    ),
    Description(
        name="ehr.training",
        label="调取培训考核记录",
        label_en="Get training results",
        description="取一段时间内的培训与考核成绩；填了班组，同时取班组其他人的记录作对比。"
        "每条含日期 date、课程 course、成绩 value、及格线 pass_mark，可能还有是否到课 attended、评语 remark。"
        "数据较多时只存引用，请整体交给后续操作使用。",
        description_en="Reads trainings and exams, of the team's other members too where a team is given. A row has date, course, "
        "value (score), pass_mark, and perhaps attended and remark. Many rows are kept as a reference: hand the whole on to an operation.",
        icon="list-check",
        inputs=_WINDOW,
        outputs=_ROWS,
        variable="training",
    ),
    Description(
        name="ehr.performance",
        label="调取绩效记录",
        label_en="Get performance",
        description="取一段时间内的绩效数据；填了班组，同时取班组其他人的记录作对比。"
        "每条含日期 date、指标 metric、数值 value、单位 unit。数据较多时只存引用，请整体交给后续操作使用。",
        description_en="Reads performance figures, of the team's other members too where a team is given. A row has date, metric, value "
        "and unit. Many rows are kept as a reference: hand the whole on to an operation.",
        icon="chart-line",
        inputs=_WINDOW,
        outputs=_ROWS,
        variable="performance",
    ),
)
