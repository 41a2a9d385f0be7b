"""Tokens keep what they were made for, by the scopes as they are called now: procedures are read, changed or managed"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"

_READ, _WRITE = "read:procedures", "write:procedures"
#: what the former scopes allowed: `admin:procedures` reached versions and drafts, too
_NOW = {"deploy:procedures": (_READ, _WRITE), "admin:procedures": ("admin:procedures", _READ, _WRITE)}


def upgrade() -> None:
    tokens = sa.table("service_tokens", sa.column("id", sa.String), sa.column("scopes", sa.JSON))
    connection = op.get_bind()
    for id, scopes in connection.execute(sa.select(tokens.c.id, tokens.c.scopes)).all():
        now = list(dict.fromkeys(new for scope in scopes for new in _NOW.get(scope, (scope,))))
        if now != scopes:
            connection.execute(sa.update(tokens).where(tokens.c.id == id).values(scopes=now))
