"""The whole story in a real browser: nine people do their parts by hand, half of them on a phone."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from browser import DESK, PHONE, Visitor
from playwright.sync_api import Browser, expect
from served import Served, serving

PASSWORD = "partwell-demo"
WIDTHS = {
    "chenli": PHONE,
    "wangfang": DESK,
    "zhaominhua": PHONE,
    "sunzhiyuan": DESK,
    "zhengwenbo": DESK,
    "hexiulan": PHONE,
    "linxiaobei": PHONE,
    "liuhai": PHONE,
    "admin": DESK,
}
TODAY = dt.datetime.now(ZoneInfo("Asia/Shanghai")).date()
MONTH = f"{TODAY:%Y-%m}"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)

Log_in = Callable[[str], Visitor]


@pytest.fixture(scope="module")
def partwell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("home")) as served:
        yield served


@pytest.fixture
def person(chromium: Browser, partwell: Served) -> Iterator[Log_in]:
    """Gives each person's own browser, logged in at the first use."""
    people: dict[str, Visitor] = {}

    def of(login: str) -> Visitor:
        if login not in people:
            people[login] = Visitor(chromium, partwell.address, login, PASSWORD, WIDTHS[login])
        return people[login]

    yield of
    for visitor in people.values():
        visitor.leave()


def test_nine_people_play_the_dismissal_by_hand(person: Log_in, tmp_path: Path) -> None:
    """From the supervisor's report to the sealed file, clicked, typed, chosen and uploaded, and read by those who must know."""
    proof = tmp_path / "签收单.png"
    proof.write_bytes(PNG)
    case = report(person("chenli"))
    assess(person("wangfang"))
    state_facts(person("wangfang"))
    edit_plan(person("wangfang"))
    approve(person("zhaominhua"), "01")
    approve(person("sunzhiyuan"), "02")
    review_law(person("zhengwenbo"))
    answer_as_union(person("hexiulan"))
    hold_conversation(person("wangfang"), proof)
    give_statement(person("linxiaobei"))
    serve_notice(person("wangfang"), proof)
    hand_over_work(person("chenli"))
    return_assets(person("liuhai"))
    confirm_removal(person("liuhai"), proof)
    hand_over_certificate(person("wangfang"))
    look_back(person("wangfang"), case)
    look_for_trouble(person("admin"), case)
    see_only_what_is_ones_own(person("linxiaobei"), case)


def report(chenli: Visitor) -> str:
    page = chenli.page
    chenli.look("00-inbox-empty")
    page.get_by_role("link", name="提报", exact=True).click()
    page.get_by_role("searchbox").fill("林小北")
    page.get_by_role("link", name=re.compile("林小北")).click()
    chenli.look("00-report")

    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.locator("#error-summary")).to_be_focused()
    chenli.complaints = [said for said in chenli.complaints if "422" not in said]
    chenli.look("00-report-errors")

    chenli.choose("异常表现（可多选）", "上班时间使用手机或娱乐应用")
    chenli.choose("异常表现（可多选）", "培训考核不合格")
    chenli.write("观察开始日期", (TODAY - dt.timedelta(days=14)).isoformat())
    chenli.write("观察结束日期", TODAY.isoformat())
    chenli.write("具体情况", "上班玩手机、学习能力差：工作时间频繁使用社交应用，三次培训考核均未及格。")
    chenli.choose("是否已与员工谈过", "是")
    chenli.write("谈话时间与员工的说明", "本月两次面谈提醒，员工表示会改进。")
    chenli.tick("以上内容是我了解的事实")
    page.get_by_role("button", name="提交", exact=True).click()
    page.wait_for_url("**/cases/*")
    expect(page.locator("#live").get_by_text("评估表现并提出处理意见")).to_be_visible(timeout=30_000)
    chenli.look("01-case-started")
    return page.url


def assess(wangfang: Visitor) -> None:
    wangfang.take("评估表现并提出处理意见")
    wangfang.reads(re.compile(r"2\.5"), re.compile(r"0\.5"), re.compile("社交"))
    assert wangfang.page.locator("#facts svg").count() >= 2
    wangfang.look("02-assess")
    wangfang.choose("处理意见", "启动辞退审查")
    wangfang.write("理由", "数据与主管反映一致，试用期内不符合已告知的录用条件。")
    wangfang.select("拟适用的解除事由", "第三十九条第（一）项：试用期内不符合录用条件")
    wangfang.look("02-assess-filled")
    wangfang.submit()


def state_facts(wangfang: Visitor) -> None:
    wangfang.take("核对法律审查事实")
    wangfang.write("拟送达日期", TODAY.isoformat())
    wangfang.write("拟解除日期", TODAY.isoformat())
    for question in ("是否怀孕", "是否因工伤或职业病丧失或部分丧失劳动能力", "是否疑似职业病、在诊断或观察期", "是否接触职业病危害的岗位"):
        wangfang.choose(question, "否")
    for statement in ("以上各项已逐项核实", "录用条件已告知并由员工确认，有证据", "试用期内已对照录用条件考核，有证据", "本单位有工会"):
        wangfang.tick(statement)
    wangfang.write("上述事实的证据及出处", "录用条件确认书、三次考核成绩单、试用期考核表均已归档。")
    wangfang.look("03-facts")
    wangfang.submit()


def edit_plan(wangfang: Visitor) -> None:
    wangfang.take("编辑沟通方案与通知要点")
    plan = wangfang.page.get_by_role("textbox", name="方案正文", exact=True)
    drafted = plan.input_value()
    assert "林小北" in drafted and "2.5" in drafted and "0.5" in drafted
    plan.fill(drafted + "\n\n补充：由王芳主谈，陈立在场。")
    wangfang.write("所依据的规章制度或录用条件", "《录用条件确认书》第二条、第三条")
    wangfang.write("向员工说明的理由", "试用期内被证明不符合录用条件。")
    wangfang.write("应付款项（一项一行）", "工资结算至解除日")
    wangfang.write("最迟支付日期", TODAY.isoformat())
    wangfang.write("工作交接截止日期", TODAY.isoformat())
    wangfang.write("社会保险最后缴纳月份", MONTH)
    wangfang.write("住房公积金最后缴存月份", MONTH)
    wangfang.look("04-plan")
    wangfang.submit()


def approve(signer: Visitor, number: str) -> None:
    signer.take("审批辞退")
    signer.reads("部门负责人审批", "人力资源总监审批")
    signer.look(f"05-approval-{number}")
    signer.write("意见", "同意。")
    signer.page.get_by_role("button", name="同意", exact=True).click()
    signer.page.wait_for_url("**/inbox")


def review_law(zhengwenbo: Visitor) -> None:
    zhengwenbo.take("法务审查")
    zhengwenbo.reads(re.compile("第三十九条|39"), re.compile("由王芳主谈"))
    zhengwenbo.look("06-legal")
    zhengwenbo.choose("意见", "通过")
    zhengwenbo.write("意见说明", "事实清楚，依据充分，程序合法。")
    zhengwenbo.submit()


def answer_as_union(hexiulan: Visitor) -> None:
    hexiulan.take("登记工会意见")
    hexiulan.look("07-union")
    hexiulan.write("工会收到通知日期", TODAY.isoformat())
    hexiulan.choose("意见", "无异议")
    hexiulan.write("回复日期", TODAY.isoformat())
    hexiulan.submit()


def hold_conversation(wangfang: Visitor, proof: Path) -> None:
    wangfang.take("记录沟通谈话")
    wangfang.write("开始时间", f"{TODAY}T09:30")
    wangfang.write("结束时间", f"{TODAY}T10:10")
    wangfang.write("地点或工具", "三楼小会议室")
    participants = wangfang.page.get_by_role("group", name="参加人", exact=True).locator(".list-row")
    for number, (name, role) in enumerate((("王芳", "HR 专员"), ("陈立", "主管"), ("林小北", "员工本人"))):
        row = participants.nth(number) if participants.count() > number else wangfang.add_row("参加人")
        wangfang.write("姓名", name, row)
        wangfang.write("身份", role, row)
    wangfang.choose("录音录像", "有，已事先告知员工")
    wangfang.write("向员工出示的材料和说明的内容", "说明了考核结果、录用条件和依据的数据。")
    wangfang.write("员工的回答与说明（原话）", "承认上班时间使用手机较多，对结果无异议。")
    wangfang.choose("员工对所列事实", "认可")
    wangfang.tick("记录已读给员工听或由员工核对更正")
    wangfang.attach("签字页、录音等附件", proof)
    wangfang.look("08-conversation")
    wangfang.submit()


def give_statement(linxiaobei: Visitor) -> None:
    linxiaobei.take("本人陈述与签收")
    linxiaobei.look("09-statement")
    linxiaobei.choose("对所列事实", "认可")
    linxiaobei.write("陈述与申辩", "已了解，无异议。")
    linxiaobei.choose("签名", "签名")
    linxiaobei.write("请输入本人姓名作为签名", "林小北")
    linxiaobei.submit()


def serve_notice(wangfang: Visitor, proof: Path) -> None:
    wangfang.take("送达解除通知书")
    wangfang.select("送达方式", "当面送达")
    wangfang.write("到达日期", TODAY.isoformat())
    wangfang.attach("送达证明", proof)
    wangfang.look("10-notice")
    wangfang.submit()


def hand_over_work(chenli: Visitor) -> None:
    chenli.take("工作交接")
    rows = chenli.page.get_by_role("group", name="交接事项", exact=True).locator(".list-row")
    row = rows.first if rows.count() else chenli.add_row("交接事项")
    chenli.write("事项", "未结工单 12 件", row)
    chenli.select("类别", "工作", row)
    chenli.write("接手人", "客服一组", row)
    chenli.select("状态", "已交接", row)
    chenli.write("交接完成日期", TODAY.isoformat())
    chenli.look("11-handover")
    chenli.submit()


def return_assets(liuhai: Visitor) -> None:
    liuhai.take("收回公司财物")
    rows = liuhai.page.get_by_role("group", name="财物", exact=True).locator(".list-row")
    row = rows.first if rows.count() else liuhai.add_row("财物")
    liuhai.write("编号", "PC-0117", row)
    liuhai.write("名称", "笔记本电脑", row)
    liuhai.select("状态", "已归还", row)
    liuhai.tick("员工私人物品已归还本人")
    liuhai.tick("设备数据已按规定处理，私人数据已交还")
    liuhai.write("完成日期", TODAY.isoformat())
    liuhai.look("12-assets")
    liuhai.submit()


def confirm_removal(liuhai: Visitor, proof: Path) -> None:
    liuhai.take("办理社保公积金减员")
    liuhai.reads(re.compile("社保推送受理号：SI-"))
    liuhai.write("社保减员回执号", "SB-20260001")
    liuhai.write("社保停缴生效月份", MONTH)
    liuhai.write("公积金减员回执号", "GJJ-20260001")
    liuhai.write("公积金停缴生效月份", MONTH)
    liuhai.write("申报日期", TODAY.isoformat())
    liuhai.attach("回执或截图", proof)
    liuhai.look("13-social-insurance")
    liuhai.submit()


def hand_over_certificate(wangfang: Visitor) -> None:
    wangfang.take("交付解除证明书")
    wangfang.write("交付日期", TODAY.isoformat())
    wangfang.select("方式", "当面")
    wangfang.tick("已书面告知申领失业保险金等权利（另页）")
    wangfang.look("14-certificate")
    wangfang.submit()


def look_back(wangfang: Visitor, case: str) -> None:
    """The case page answers who did what and when; the sealed file is there and in order."""
    page = wangfang.page
    page.goto(case)
    expect(page.locator("#live").get_by_text("解除劳动合同")).to_be_visible(timeout=30_000)
    timeline = page.locator("#timeline")
    for name, role in (("陈立", "主管"), ("赵敏华", "部门负责人审批"), ("孙志远", "人力资源总监审批"), ("郑文博", "法务"),
                       ("何秀兰", "工会"), ("林小北", "员工"), ("刘海", "综合部"), ("王芳", "HR")):  # fmt: skip
        line = timeline.locator("li").filter(has_text=name).filter(has=page.locator(".lane", has_text=role)).first
        expect(line.locator("time")).to_have_attribute("datetime", re.compile(r"^\d{4}-\d\d-\d\dT"))
    for document in ("解除劳动合同通知书", "签收单.png"):
        wangfang.reads(re.compile(re.escape(document)))
    # sealing is a job: the page reads itself anew when it is done
    expect(page.get_by_role("link", name=re.compile("下载"))).to_be_visible(timeout=30_000)
    wangfang.look("15-case-closed")
    page.get_by_role("link", name="校验").click()
    expect(page.get_by_text("校验通过")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("下载")).click()
    assert Path(download.value.path()).read_bytes().startswith(b"PK")
    page.get_by_role("link", name="查看全部记录").click()
    wangfang.look("16-case-everything")
    page.locator("#calls li").filter(has_text="ehr.app_usage").get_by_role("link", name=re.compile("原始应答")).first.click()
    wangfang.reads(re.compile("KF-017"))
    wangfang.look("17-snapshot")
    page.goto("/cases")
    wangfang.look("18-cases")
    page.goto("/inbox/done")
    wangfang.look("19-inbox-done")


def look_for_trouble(admin: Visitor, case: str) -> None:
    admin.page.get_by_role("link", name="异常").click()
    admin.look("20-incidents")
    admin.page.goto(case)
    admin.reads(re.compile("封存"))


def see_only_what_is_ones_own(linxiaobei: Visitor, case: str) -> None:
    """The employee sees what was served on them and their own part, and neither the portrait nor the snapshots."""
    page = linxiaobei.page
    page.goto(case)
    linxiaobei.look("21-case-of-the-employee")
    linxiaobei.reads(re.compile("解除劳动合同通知书"))
    for hidden in ("ehr.app_usage", "表现画像", "证据包"):
        assert page.get_by_text(hidden).count() == 0, hidden
