"""What the server says of decision tables while somebody edits them."""

from __future__ import annotations

from pathlib import Path

from test_decisions import decision, file, table
from test_studio_json import Desk
from web_office import Office


def test_a_table_is_analysed_as_it_is_typed(tmp_path: Path) -> None:
    """The answer names rules by number, with an input as FEEL writes it; a file that is no table is refused with its fault."""
    typed = table('hitPolicy="UNIQUE"', [("amount", "number")], [("level", "")], ["<= 10", '"a"'], ["[10..20]", '"b"'], ["> limit", '"c"'])
    with Office(tmp_path) as office:
        desk = Desk(office)
        [told] = desk.post("tables", {"path": "t.dmn", "text": file(decision(typed)).decode()}).json["tables"]
        assert (told["together"], told["gaps"]) == ([{"rules": [1, 2], "example": "amount = 10"}], [])
        assert told["unread"] == [{"rule": 3, "input": "amount", "cell": "> limit"}]
        refused = desk.post("tables", {"path": "t.dmn", "text": "<definitions"})
        assert refused.status_code == 422 and "t.dmn" in refused.json["detail"]
        assert desk.post("tables", {"path": "t.dmn"}).status_code == 400
