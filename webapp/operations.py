"""Operations that Partwell offers itself beside those of connectors: the arithmetic of procedures."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import Refused
from engine.ports import NEEDS_PERSON, REFUSED, Answer, Call, Description, Parameter, Result
from processes.rules import portrait


class PortraitOperation:
    """`portrait.compute`: what the EHR's rows say about the subject beside their team.

    Input: `employee`, `app_usage`, `training`, `performance` as the EHR operations give them, `window`, and `references`: those of a
    table, be there none; diagrams from before there was the table do not hand them over (`portrait.FORMER_REFERENCES`).
    """

    names: Sequence[str] = ("portrait.compute",)
    reads = True
    descriptions: Sequence[Description] = (
        Description(
            name="portrait.compute",
            version=2,
            label="生成员工表现画像",
            label_en="Make the portrait",
            description="把人事档案、应用使用、培训考核、绩效数据汇成一份画像：事实、与班组的差异、是否超出参考标准、缺什么数据。"
            "只陈述数据，不作任何决定。没有取到的数据填 null。没有传入参考标准时，按原有的五项标准提请关注。",
            description_en="Brings record, app usage, trainings and performance together: facts, differences from the team, thresholds "
            "and what is missing. It states figures and decides nothing. Map null for what was not fetched. Without references handed "
            "over, the five limits from before there was a table hold.",
            icon="eye",
            inputs=(
                Parameter("employee", "人事档案", "Employee's record", "context", required=True, default="=employee"),
                Parameter("app_usage", "应用使用记录", "App usage", "context", required=True, default="=app_usage"),
                Parameter("training", "培训考核记录", "Training results", "context", required=True, default="=training"),
                Parameter("performance", "绩效记录", "Performance", "context", required=True, default="=performance"),
                Parameter("window", "取数期间（from、to）", "Window (from, to)", "context", required=True, default="=window"),
                Parameter("references", "参考标准（决策表的结果）", "References (result of a decision table)", "list"),
            ),
            outputs=(
                Result("employee", "工号", "Employee number"),
                Result("window", "取数期间", "Window", "context"),
                Result("monitoring.acknowledged_on", "监测告知确认日期", "Notice of monitoring acknowledged on", "date"),
                Result("monitoring.version", "监测告知版本", "Version of that notice"),
                Result("monitoring.usable", "使用数据可用", "Usage data may be used", "boolean"),
                Result("metrics", "各项指标", "Metrics", "list"),
                Result("exams", "历次考核", "Exams", "list"),
                Result("missing", "缺失数据", "What is missing", "list"),
                Result("missing_en", "缺失数据（英文）", "What is missing (English)", "list"),
                Result("sentences", "逐条结论", "Sentences", "list"),
                Result("sentences_en", "逐条结论（英文）", "Sentences (English)", "list"),
                Result("text", "全部结论", "All sentences as one text"),
                Result("text_en", "全部结论（英文）", "All sentences as one text (English)"),
                Result("beyond_text", "超出参考标准的结论", "Those beyond a threshold"),
                Result("beyond_text_en", "超出参考标准的结论（英文）", "Those beyond a threshold (English)"),
                Result("evidence_text", "数据来源", "Sources of the figures"),
                Result("evidence_text_en", "数据来源（英文）", "Sources of the figures (English)"),
            ),
            errors=(REFUSED, NEEDS_PERSON),
            variable="portrait",
        ),
    )

    def call(self, call: Call) -> Answer:
        given = call.input
        try:
            pulled = (given[name] for name in ("employee", "app_usage", "training", "performance"))
            references = given.get("references", portrait.FORMER_REFERENCES)
            value = portrait.compute(*pulled, window=given["window"], references=references)
        except (KeyError, TypeError, ValueError) as error:
            reason = f"the data are not such as a portrait is made of: {type(error).__name__} {error}"
            raise Refused(system="partwell", operation=call.operation, reason=reason) from error
        return Answer(value=value)

    def check(self) -> Sequence[str]:
        return ()
