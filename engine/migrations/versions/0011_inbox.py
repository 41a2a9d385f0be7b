"""Open work is found by who holds it or which role it is offered to, and by nothing else; kept messages by when their time is over"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    for name in ("ix_sign_offs_person_open", "ix_sign_offs_role_open"):
        op.drop_index(name, "sign_offs")
    _partial("ix_sign_offs_person_open", "sign_offs", "person_id", "state = 'open' AND person_id IS NOT NULL")
    _partial("ix_sign_offs_role_open", "sign_offs", "role", "state = 'open' AND role IS NOT NULL")
    _partial("ix_messages_over", "messages", "kept_until", "case_id IS NULL")


def _partial(name: str, table: str, column: str, where: str) -> None:
    op.create_index(name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where))
