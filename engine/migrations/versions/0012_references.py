"""No look at another table where what is referred to was read or written in the same transaction and is never deleted"""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    with op.batch_alter_table("sign_offs") as sign_offs:
        sign_offs.drop_index("ix_sign_offs_case_id")
        sign_offs.drop_constraint("fk_sign_offs_case_id", type_="foreignkey")
        sign_offs.drop_constraint("fk_sign_offs_person_id", type_="foreignkey")
    with op.batch_alter_table("ledger") as ledger:
        ledger.drop_constraint("fk_ledger_case_id", type_="foreignkey")
