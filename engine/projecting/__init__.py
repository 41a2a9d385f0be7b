"""Our work in outside centres of to-dos: what is open for whom here is seen there, and led back here by links.

The commit that changes a case's work writes a job for each centre (`enqueuing`). The job compares what is open with what the centre was
told (`planning`) and tells it the difference (`showing`). From time to time all is compared with what the centre has (`reconciling`).
What is here counts: nothing that is done there decides anything.
"""

from .showing import failed, run

__all__ = ["failed", "run"]
