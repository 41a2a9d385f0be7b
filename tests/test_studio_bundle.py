"""The editors of the studio as they are shipped: built from their sources, small enough, with every package's terms beside them."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from bundles import rebuilt

from engine.bpmn import expressions

ROOT = Path(__file__).parent.parent
FRONTEND = ROOT / "webapp/frontend"
STATIC = ROOT / "webapp/static"
BUILT = STATIC / "vendor/studio"
#: what the modeler's page loads besides the sprite and the mark, which all pages share
MODELER_PAGE = ("vendor/studio/modeler.js", "vendor/studio/modeler.css", "vendor/studio/bpmn.woff2", "vendor/tabler/tabler.min.css")
MODELER_PAGE += ("vendor/htmx/htmx.min.js", "app.css", "app.js", "keys.js")


def test_the_bundle_is_what_its_sources_build(tmp_path: Path) -> None:
    """Building the editors again from the locked packages gives the committed files; said aloud when that cannot be tried."""
    if rebuilt(FRONTEND, tmp_path / "webapp/frontend"):
        made = tmp_path / "webapp/static/vendor/studio"
        assert (made.parent / "tabler/tabler.min.css").read_bytes() == (STATIC / "vendor/tabler/tabler.min.css").read_bytes()
        names = sorted(path.name for path in BUILT.iterdir())
        assert sorted(path.name for path in made.iterdir()) == names
        assert [name for name in names if (made / name).read_bytes() != (BUILT / name).read_bytes()] == []


def test_no_package_runs_anything_when_it_is_installed() -> None:
    """One of them would send figures of the machine to its maker."""
    for folder in (FRONTEND, ROOT / "engine/bpmn/feel"):
        assert "ignore-scripts=true" in (folder / ".npmrc").read_text("utf-8").splitlines()


def test_the_modeler_page_is_small_enough() -> None:
    """All that the page loads is at most 900 kB as it is sent."""
    assert sum(len(gzip.compress((STATIC / name).read_bytes(), 9)) for name in MODELER_PAGE) <= 900_000


def test_what_every_page_loads_is_small_enough() -> None:
    """All that the frame of a page loads, the sprite included, is at most 120 kB as it is sent."""
    frame = (ROOT / "webapp/templates/layout.html").read_text("utf-8")
    loaded = {*re.findall(r"asset\('([^']+\.(?:css|js))'\)", frame), "vendor/icons/sprite.svg"}
    assert {"app.css", "app.js", "vendor/tabler/tabler.min.css"} <= loaded
    assert sum(len(gzip.compress((STATIC / name).read_bytes(), 9)) for name in loaded) <= 120_000


def test_every_package_in_the_bundle_is_named_with_its_terms() -> None:
    """Each package that the build uses stands in the list with a licence text."""
    terms = (BUILT / "LICENCES.txt").read_text("utf-8")
    wanted = json.loads((FRONTEND / "package.json").read_text("utf-8"))["devDependencies"]
    assert [
        f"{name} {version}"
        for name, version in wanted.items()
        if name not in ("esbuild", "@tabler/core") and f"{name} {version}\n" not in terms
    ] == []
    assert "Permission is hereby granted" in (STATIC / "vendor/tabler/LICENSE").read_text("utf-8")
    assert "The source code responsible for displaying the bpmn.io project watermark" in terms
    assert "bpmn-font (bpmn.woff2)" in terms and "dmn-font (dmn.woff2)" in terms and "SIL OPEN FONT LICENSE Version 1.1" in terms


def test_what_packages_hold_of_others_is_named_with_its_terms() -> None:
    """Code and styles that a package ships within its own files have terms of their own, which no build sees."""
    terms = (BUILT / "LICENCES.txt").read_text("utf-8")
    signs = {
        "cds--grid": "@carbon/grid",
        "ajv/dist/runtime/equal": "ajv",
        "SEMVER_SPEC_VERSION": "semver",
        "zeebe-element-templates-json-schema": "@camunda/element-templates-json-schema",
    }
    shipped = "".join((BUILT / name).read_text("utf-8") for name in ("modeler.js", "forms.css", "forms.js"))
    missing = [
        name for sign, name in signs.items() if sign in shipped and not re.search(rf"^{re.escape(name)} .*in .*\n=+\n", terms, re.MULTILINE)
    ]
    assert all(sign in shipped for sign in signs) and missing == []


def test_a_package_without_terms_is_not_built(tmp_path: Path) -> None:
    """The list of terms refuses a package that comes without the text of its licence, and names it."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    package = tmp_path / "node_modules/nameless"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"name": "nameless", "version": "1.0.0", "license": "MIT"}', "utf-8")
    script = f"import {{ licences }} from {json.dumps((FRONTEND / 'licences.mjs').as_uri())};"
    script += f"licences({json.dumps(str(tmp_path))}, ['node_modules/nameless/index.js']);"
    asked = subprocess.run([node, "--input-type=module", "-e", script], capture_output=True, text=True, timeout=60)
    assert asked.returncode != 0 and "nameless holds no file with its terms" in asked.stderr


def test_the_lock_says_what_is_loaded_and_not_from_where() -> None:
    """Packages are pinned by their digests; no address of a registry is written down."""
    lock = json.loads((FRONTEND / "package-lock.json").read_text("utf-8"))["packages"]
    assert all("integrity" in package and "resolved" not in package for name, package in lock.items() if name)


def test_the_engine_knows_every_function_that_is_completed() -> None:
    """What the editor of expressions offers can be called."""
    listed = re.findall(r"^  \['([^']+)', '", (FRONTEND / "words/functions.js").read_text("utf-8"), re.MULTILINE)
    assert len(listed) > 60
    assert [name for name in listed if expressions.check(f"{name}()")] == []
