"""A server that is stopped, or killed, while the scenarios of a publication are played: it ends at once, and the next one goes on."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from scenario_files import HEAD, chosen
from served import Served, serving

from webapp.demo import seed

#: so many scenarios that no machine is through with them by the time it is stopped
MANY = 60
#: seconds within which a server ends that is told to
SOON = 5.0


class Program:
    """An administrator's program, which asks one server after the other."""

    def __init__(self, served: Served) -> None:
        self._root = f"{served.address}/api/v1"
        sent = {"login": "admin", "password": seed.PASSWORD}
        self._own = {"Authorization": f"Bearer {requests.post(f'{self._root}/session', json=sent, timeout=30).json()['token']}"}

    def ask(self, method: str, what: str, tag: str = "", **sent: Any) -> requests.Response:
        headers = {**self._own, **({"If-Match": tag} if tag else {})}
        answer = requests.request(method, f"{self._root}/procedures/probe/{what}", headers=headers, timeout=30, **sent)
        assert answer.ok, answer.text
        return answer

    def publish(self) -> str:
        """Id of the publication of a procedure with many scenarios."""
        scenarios = {f"scenarios/{number:02}.yaml": f"{HEAD}then: {{open: [查看]}}" for number in range(MANY)}
        files = {path: {"text": content.decode()} for path, content in chosen().items()}
        files |= {path: {"text": content} for path, content in scenarios.items()}
        drawn = self.ask("PUT", "draft", json={"files": files, "base": {}, "note": "新流程"})
        begun = self.ask("POST", "versions", drawn.headers["ETag"], json={"note": "启用"})
        assert begun.status_code == 202
        return str(begun.json()["publication"]["id"])

    def until(self, publication: str, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """What is told of it once it is so."""
        for _ in range(1200):
            found: dict[str, Any] = self.ask("GET", f"publications/{publication}").json()
            if reached(found):
                return found
            time.sleep(0.1)
        raise AssertionError(found)


def test_a_server_that_is_stopped_or_killed_while_it_plays_publishes_after_its_restart(tmp_path: Path) -> None:
    """Told to stop it puts the job down within seconds; killed it leaves it to its lease; nothing that passed is played again."""
    given = {"job_lease": "5", "job_poll": "0.5"}
    with serving(tmp_path, **given) as served:
        program = Program(served)
        id = program.publish()
        before = program.until(id, lambda told: told["played"] >= 2)
        assert before["state"] == "waiting"
        began = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(30) == 0
        assert time.monotonic() - began < SOON
    with serving(tmp_path, **given) as served:
        program = Program(served)
        now = program.until(id, lambda told: told["played"] > before["played"] + 1)
        assert now["state"] == "waiting" and now["of"] == MANY
        served.process.kill()
        served.process.wait(30)
    with serving(tmp_path, **given) as served:
        done = Program(served).until(id, lambda told: told["state"] != "waiting")
        assert (done["state"], done["number"], done["played"]) == ("published", 1, MANY)
