"""What would have been: the latest real cases played on the draft, a portion at a time, so that the page is there at once."""

from __future__ import annotations

from typing import Any

from flask import render_template, request

from engine.studio import drafts, whatif

from .. import i18n
from ..accounts import logged_in, me, services
from ..long_work import long_work
from .addresses import studio

#: seconds that one answer may take, give or take a case
_AT_ONCE = 1.5


@studio.get("/<procedure>/what-if")
@logged_in
@long_work
def what_if(procedure: str) -> Any:
    """`?after=N`: go on behind the first N cases; `elsewhere`: how many of those would have gone another way."""
    draft = drafts.read(services(), procedure, actor=me().id)
    after, elsewhere = (max(0, request.args.get(name, 0, type=int)) for name in ("after", "elsewhere"))
    found = whatif.look(services(), procedure, actor=me().id, after=min(after, whatif.CASES), seconds=_AT_ONCE)
    other = whatif.elsewhere(found.cases)
    return render_template("studio_whatif.html", draft=draft, found=found, other=other, elsewhere=elsewhere + len(other), after=after)


studio.add_app_template_filter(i18n.sentence, "sentence")
