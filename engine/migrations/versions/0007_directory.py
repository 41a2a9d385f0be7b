"""The directory with its days: placements, memberships, heads, posts, groups, duties, substitutes, and who changed what"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from engine.models import Id, Instant, new_id

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    _named("entities", 200)
    _named("regions", 200)
    _named("posts", 100)
    _named("groups", 200)
    _dated("placements", _ref("person_id", "persons", Id(length=32)), _ref("department_id", "departments", none=True),
           sa.Column("team", sa.String(length=100), nullable=True), sa.Column("manager_id", Id(length=32), nullable=True),
           _ref("entity_id", "entities", none=True), _ref("region_id", "regions", none=True), sa.Column("grade", sa.Integer(), nullable=True))  # fmt: skip
    _dated("memberships", _ref("person_id", "persons", Id(length=32)), _ref("department_id", "departments"))
    _dated("headships", _ref("department_id", "departments"), _ref("person_id", "persons", Id(length=32)))
    _dated(
        "appointments",
        _ref("person_id", "persons", Id(length=32)),
        _ref("post_id", "posts"),
        _ref("department_id", "departments", none=True),
    )
    _dated("duties", sa.Column("duty", sa.String(length=100), nullable=False), _ref("person_id", "persons", Id(length=32)),
           sa.Column("scope", sa.String(length=10), nullable=False), sa.Column("ref", sa.String(length=100), nullable=False))  # fmt: skip
    for table, columns in {
        "placements": ("person_id", "department_id", "manager_id"),
        "memberships": ("person_id", "department_id"),
        "headships": ("department_id", "person_id"),
        "appointments": ("person_id", "post_id"),
        "duties": ("duty", "person_id"),
    }.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])
    op.create_table(
        "group_members",
        _ref("group_id", "groups"),
        _ref("person_id", "persons", Id(length=32)),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name="fk_group_members_group_id"),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name="fk_group_members_person_id"),
        sa.PrimaryKeyConstraint("group_id", "person_id", name="pk_group_members"),
    )
    op.create_index("ix_group_members_person_id", "group_members", ["person_id"])
    _substitutes()
    op.create_table(
        "directory_events",
        sa.Column("id", Id(length=32), nullable=False),
        sa.Column("at", Instant(timezone=True), nullable=False),
        sa.Column("by", Id(length=32), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("ref", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("act", sa.String(length=10), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=True),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_directory_events"),
    )
    op.create_index("ix_directory_events_at", "directory_events", ["at"])
    op.create_index("ix_directory_events_ref", "directory_events", ["ref"])
    _move()


def _named(table: str, length: int) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=length), nullable=False),
        sa.Column("name_en", sa.String(length=length), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )


def _ref(name: str, to: str, kind: Any = None, *, none: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind or sa.String(length=100), nullable=none, info={"to": to})


def _dated(table: str, *columns: sa.Column[Any]) -> None:
    references = [
        sa.ForeignKeyConstraint([column.name], [f"{column.info['to']}.id"], name=f"fk_{table}_{column.name}")
        for column in columns
        if "to" in column.info
    ]
    op.create_table(
        table,
        sa.Column("id", Id(length=32), nullable=False),
        *columns,
        sa.Column("from_day", sa.Date(), nullable=True),
        sa.Column("to_day", sa.Date(), nullable=True),
        *references,
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )


def _substitutes() -> None:
    op.create_table(
        "substitutions",
        sa.Column("id", Id(length=32), nullable=False),
        sa.Column("absent_id", Id(length=32), nullable=False),
        sa.Column("substitute_id", Id(length=32), nullable=False),
        sa.Column("starts_at", Instant(timezone=True), nullable=False),
        sa.Column("ends_at", Instant(timezone=True), nullable=False),
        sa.Column("scope", sa.String(length=10), nullable=False),
        sa.Column("ref", sa.String(length=100), nullable=False),
        sa.Column("created_by", Id(length=32), nullable=False),
        sa.Column("created_at", Instant(timezone=True), nullable=False),
        sa.Column("ended_at", Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["absent_id"], ["persons.id"], name="fk_substitutions_absent_id"),
        sa.ForeignKeyConstraint(["substitute_id"], ["persons.id"], name="fk_substitutions_substitute_id"),
        sa.PrimaryKeyConstraint("id", name="pk_substitutions"),
    )
    op.create_index("ix_substitutions_absent_id", "substitutions", ["absent_id"])
    op.create_index("ix_substitutions_substitute_id", "substitutions", ["substitute_id"])
    op.create_table(
        "substitution_uses",
        sa.Column("substitution_id", Id(length=32), nullable=False),
        sa.Column("sign_off_id", Id(length=32), nullable=False),
        sa.Column("at", Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["substitution_id"], ["substitutions.id"], name="fk_substitution_uses_substitution_id"),
        sa.ForeignKeyConstraint(["sign_off_id"], ["sign_offs.id"], name="fk_substitution_uses_sign_off_id"),
        sa.PrimaryKeyConstraint("substitution_id", "sign_off_id", name="pk_substitution_uses"),
    )
    op.create_index("ix_substitution_uses_sign_off_id", "substitution_uses", ["sign_off_id"])


def _move() -> None:
    """Where everybody stands, and who is head of what, go from the rows of persons and departments to rows with days."""
    person, department = sa.column("id", Id()), sa.column("id", sa.String())
    manager, head = sa.column("manager_id", Id()), sa.column("head_id", Id())
    unit, team = sa.column("department_id", sa.String()), sa.column("team", sa.String())
    connection = op.get_bind()
    standing = connection.execute(
        sa.select(person, unit, team, manager)
        .select_from(sa.table("persons"))
        .where(sa.or_(unit.is_not(None), team.is_not(None), manager.is_not(None)))
    ).all()
    heads = connection.execute(
        sa.select(department, head).select_from(sa.table("departments")).where(head.in_(sa.select(person).select_from(sa.table("persons"))))
    ).all()
    placements = sa.table("placements", *(sa.column(name, Id()) for name in ("id", "person_id", "manager_id")), unit, team)
    headships = sa.table("headships", *(sa.column(name, Id()) for name in ("id", "person_id")), sa.column("department_id"))
    if standing:
        op.bulk_insert(
            placements,
            [
                {"id": new_id(), "person_id": row.id, "department_id": row.department_id, "team": row.team, "manager_id": row.manager_id}
                for row in standing
            ],
        )
    if heads:
        op.bulk_insert(headships, [{"id": new_id(), "department_id": row.id, "person_id": row.head_id} for row in heads])
    with op.batch_alter_table("persons") as table:
        table.drop_index("ix_persons_department_id")
        table.drop_index("ix_persons_manager_id")
        table.drop_constraint("fk_persons_department_id", type_="foreignkey")
        for name in ("department_id", "team", "manager_id"):
            table.drop_column(name)
        table.add_column(sa.Column("employed_from", sa.Date(), nullable=True))
        table.add_column(sa.Column("employed_to", sa.Date(), nullable=True))
    with op.batch_alter_table("departments") as table:
        table.drop_column("head_id")
        table.add_column(sa.Column("entity_id", sa.String(length=100), nullable=True))
        table.add_column(sa.Column("from_day", sa.Date(), nullable=True))
        table.add_column(sa.Column("to_day", sa.Date(), nullable=True))
        table.create_foreign_key("fk_departments_entity_id", "entities", ["entity_id"], ["id"])
