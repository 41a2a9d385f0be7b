"""The invented people of the sample company, shared by its own systems and by Partwell's demo directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Department:
    """A unit of the company. `head` is the employee id of the person in charge, `parent` the key of the unit above or ""."""

    key: str
    name: str
    name_en: str
    parent: str
    head: str


@dataclass(frozen=True, kw_only=True)
class Team:
    """A group inside a department whose members are compared with each other. `lead` does other work than the members."""

    key: str
    name: str
    name_en: str
    department: str
    lead: str


@dataclass(frozen=True, kw_only=True)
class Employee:
    """A person in the EHR."""

    id: str
    name: str
    #: account in Partwell, "" where there is none
    login: str
    #: key in `DEPARTMENTS`
    department: str
    #: key in `TEAMS`, "" outside teams
    team: str
    post: str
    post_en: str
    #: employee id of the superior, "" at the top
    manager: str
    #: days between the hiring and the day the sample company was made
    hired_days_ago: int
    email: str


DEPARTMENTS: Mapping[str, Department] = {
    d.key: d
    for d in (
        Department(key="company", name="示例公司", name_en="Sample Company", parent="", head="GM-001"),
        Department(key="customer-service", name="客服部", name_en="Customer Service", parent="company", head="KF-001"),
        Department(key="production", name="生产部", name_en="Production", parent="company", head="PD-001"),
        Department(key="research", name="研发部", name_en="Research", parent="company", head="RD-001"),
        Department(key="hr", name="人力资源部", name_en="Human Resources", parent="company", head="HR-001"),
        Department(key="legal", name="法务部", name_en="Legal", parent="company", head="LG-001"),
        Department(key="general-affairs", name="综合部", name_en="General Affairs", parent="company", head="GA-001"),
    )
}

TEAMS: Mapping[str, Team] = {
    t.key: t
    for t in (
        Team(key="customer-service-1", name="客服一组", name_en="Service Group 1", department="customer-service", lead="KF-002"),
        Team(key="customer-service-2", name="客服二组", name_en="Service Group 2", department="customer-service", lead="KF-003"),
        Team(key="assembly", name="装配组", name_en="Assembly", department="production", lead="PD-002"),
        Team(key="development", name="开发组", name_en="Development", department="research", lead="RD-001"),
    )
}

# post, in Chinese and English
_AGENT = ("客服专员", "Service agent")
_FITTER = ("装配工", "Fitter")
_ENGINEER = ("软件工程师", "Software engineer")

# id, name, login, department, team, (post, post in English), manager, hired days ago
_ROWS = (
    ("GM-001", "周明远", "", "company", "", ("总经理", "General manager"), "", 3650),
    ("KF-001", "赵敏华", "zhaominhua", "customer-service", "", ("客服部经理", "Head of customer service"), "GM-001", 2900),
    ("KF-002", "陈立", "chenli", "customer-service", "customer-service-1", ("客服一组主管", "Group supervisor"), "KF-001", 2100),
    ("KF-003", "高雅琴", "", "customer-service", "customer-service-2", ("客服二组主管", "Group supervisor"), "KF-001", 1850),
    ("KF-004", "吴晓彤", "", "customer-service", "customer-service-1", _AGENT, "KF-002", 980),
    ("KF-005", "马骏", "", "customer-service", "customer-service-1", _AGENT, "KF-002", 720),
    ("KF-006", "宋佳宁", "", "customer-service", "customer-service-1", _AGENT, "KF-002", 1230),
    ("KF-007", "许文静", "", "customer-service", "customer-service-1", _AGENT, "KF-002", 410),
    ("KF-008", "罗子航", "", "customer-service", "customer-service-1", _AGENT, "KF-002", 655),
    ("KF-009", "邓思雨", "", "customer-service", "customer-service-1", _AGENT, "KF-002", 300),
    ("KF-010", "谢嘉豪", "", "customer-service", "customer-service-1", _AGENT, "KF-002", 1500),
    ("KF-011", "唐婉清", "", "customer-service", "customer-service-2", _AGENT, "KF-003", 870),
    ("KF-012", "韩冰洁", "", "customer-service", "customer-service-2", _AGENT, "KF-003", 1140),
    ("KF-013", "冯一凡", "", "customer-service", "customer-service-2", _AGENT, "KF-003", 540),
    ("KF-014", "董晓雯", "", "customer-service", "customer-service-2", _AGENT, "KF-003", 760),
    ("KF-015", "程浩然", "", "customer-service", "customer-service-2", _AGENT, "KF-003", 225),
    ("KF-016", "袁梦琪", "", "customer-service", "customer-service-2", _AGENT, "KF-003", 1020),
    ("KF-017", "林小北", "linxiaobei", "customer-service", "customer-service-1", _AGENT, "KF-002", 45),
    ("PD-001", "黄建国", "", "production", "", ("生产部经理", "Head of production"), "GM-001", 3300),
    ("PD-002", "杨志强", "", "production", "assembly", ("装配组组长", "Assembly foreman"), "PD-001", 2500),
    ("PD-003", "何秀兰", "hexiulan", "production", "assembly", ("装配工、工会委员", "Fitter, union committee"), "PD-002", 2750),
    ("PD-004", "曹大勇", "", "production", "assembly", _FITTER, "PD-002", 1600),
    ("PD-005", "彭春生", "", "production", "assembly", _FITTER, "PD-002", 1320),
    ("PD-006", "曾凤英", "", "production", "assembly", _FITTER, "PD-002", 890),
    ("PD-007", "肖国平", "", "production", "assembly", _FITTER, "PD-002", 5600),
    ("PD-008", "田小龙", "", "production", "assembly", _FITTER, "PD-002", 130),
    ("PD-009", "任桂芳", "", "production", "assembly", _FITTER, "PD-002", 1980),
    ("PD-010", "姜海涛", "", "production", "assembly", _FITTER, "PD-002", 610),
    ("PD-011", "范文彬", "", "production", "assembly", _FITTER, "PD-002", 470),
    ("PD-012", "方丽萍", "", "production", "assembly", _FITTER, "PD-002", 250),
    ("RD-001", "石磊", "", "research", "development", ("研发部经理", "Head of research"), "GM-001", 2600),
    ("RD-002", "姚雪", "", "research", "development", _ENGINEER, "RD-001", 1400),
    ("RD-003", "谭俊杰", "", "research", "development", _ENGINEER, "RD-001", 1150),
    ("RD-004", "廖安琪", "", "research", "development", _ENGINEER, "RD-001", 830),
    ("RD-005", "邹凯", "", "research", "development", _ENGINEER, "RD-001", 590),
    ("RD-006", "熊诗涵", "", "research", "development", _ENGINEER, "RD-001", 365),
    ("RD-007", "金泽宇", "", "research", "development", _ENGINEER, "RD-001", 95),
    ("RD-008", "陆可欣", "", "research", "development", _ENGINEER, "RD-001", 1710),
    ("HR-001", "孙志远", "sunzhiyuan", "hr", "", ("人力资源总监", "HR director"), "GM-001", 3100),
    ("HR-002", "王芳", "wangfang", "hr", "", ("人力资源专员", "HR specialist"), "HR-001", 1450),
    ("LG-001", "郑文博", "zhengwenbo", "legal", "", ("法务经理", "Legal counsel"), "GM-001", 1900),
    ("GA-001", "刘海", "liuhai", "general-affairs", "", ("综合部主管", "General affairs officer"), "GM-001", 2200),
)

EMPLOYEES: Mapping[str, Employee] = {
    id: Employee(
        id=id,
        name=name,
        login=login,
        department=department,
        team=team,
        post=post,
        post_en=post_en,
        manager=manager,
        hired_days_ago=days,
        email=f"{login or id.lower()}@company.example",
    )
    for id, name, login, department, team, (post, post_en), manager, days in _ROWS
}

#: account of the administrator, who is no employee of the EHR: login and name
ADMIN = ("admin", "管理员")

#: roles in Partwell by login; whoever is not named here has none beyond being an employee
ROLES: Mapping[str, tuple[str, ...]] = {
    "chenli": ("supervisor",),
    "wangfang": ("hr",),
    "sunzhiyuan": ("hr_director",),
    "zhaominhua": ("department_head",),
    "zhengwenbo": ("legal",),
    "hexiulan": ("union",),
    "liuhai": ("general_affairs",),
    "admin": ("admin",),
}
