"""Committed files that npm builds: made again from their sources, to see that they are what those say."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from pathlib import Path

_UNREACHABLE = ("ENOTFOUND", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EAI_AGAIN", "ENETUNREACH", "network")


def rebuilt(sources: Path, into: Path, *, without: tuple[str, ...] = ()) -> bool:
    """Builds a copy of the folder `sources` in the new folder `into`; False, said aloud, where npm or its registry is not at hand.

    `without`: what is built, by name, and so not copied.
    """

    def cannot(reason: str) -> bool:
        message = f"{sources.name} was NOT rebuilt and compared: {reason}"
        print(message)
        warnings.warn(message, stacklevel=3)
        return False

    npm = shutil.which("npm")
    if npm is None:
        return cannot("npm is not installed")
    shutil.copytree(sources, into, ignore=shutil.ignore_patterns("node_modules", "__pycache__", *without))
    options = ("--no-audit", "--no-fund", "--fetch-retries=1", "--ignore-scripts")
    installed = subprocess.run([npm, "ci", *options], cwd=into, capture_output=True, text=True, timeout=300)
    if installed.returncode and any(word in installed.stderr for word in _UNREACHABLE):
        return cannot("the npm registry cannot be reached")
    assert installed.returncode == 0, installed.stderr
    subprocess.run([npm, "run", "build"], cwd=into, check=True, capture_output=True, timeout=120)
    return True
