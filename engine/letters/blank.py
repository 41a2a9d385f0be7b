"""What a letter begins with."""

from __future__ import annotations

from html import escape


def letter(title: str) -> bytes:
    """A letter that says nothing but its title, with its place for the signature."""
    named = escape(title, quote=False)
    return f"""<!doctype html>
<html lang="zh-CN">
<head><meta charset="utf-8"><title>{named}</title></head>
<body>
<h1>{named}</h1>
<p></p>
<div class="signature">
<p><data value="letter.date" data-as="day">落款日期</data></p>
</div>
</body>
</html>
""".encode()
