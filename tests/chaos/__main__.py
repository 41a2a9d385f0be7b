"""`make chaos N=…`: random diagrams on several processes, then everything else here and random sequences of verbs at length."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # the tests' own modules, as pytest has them


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("n", nargs="?", type=int, default=200, help="how many random diagrams")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    parser.add_argument("--only-diagrams", action="store_true", help="nothing but the random diagrams")
    given = parser.parse_args()
    failed = _diagrams(range(given.first, given.first + given.n))
    if not given.only_diagrams:
        import pytest

        os.environ["PARTWELL_CHAOS"] = "long"
        here = Path(__file__).parent
        parts = [str(here), str(here.parent / "test_sign_off_sequences.py")]
        failed += int(pytest.main([*parts, "-k", "not random_diagrams"]) != 0)
    return int(failed > 0)


def _diagrams(seeds: range) -> int:
    from chaos import equivalence
    from chaos.drawer import CONSTRUCTS

    begun = time.monotonic()
    parts = [seeds[i : i + 10] for i in range(0, len(seeds), 10)]
    failed: list[tuple[int, str]] = []
    drawn = Counter[str]()
    with multiprocessing.get_context("spawn").Pool() as pool:
        for wrong, used in pool.imap_unordered(equivalence.differences, parts):
            failed += wrong
            drawn += used
    for seed, what in sorted(failed):
        print(f"seed {seed}: {what}")
    for construct in sorted(CONSTRUCTS):
        print(f"{drawn[construct]:8} {construct}")
    print(f"{len(seeds)} random diagrams, {len(failed)} failed, {time.monotonic() - begun:.0f} s")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
