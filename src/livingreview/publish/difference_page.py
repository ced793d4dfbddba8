"""A difference as one HTML page that needs nothing else: the Markdown report with a drawn forest plot."""

from __future__ import annotations

from typing import Final

from IPython.display import HTML
from markdown_it import MarkdownIt

from livingreview.living.difference import Difference
from livingreview.living.difference_markdown import as_markdown
from livingreview.plots.palette import css_variables
from livingreview.publish.figures import show_pooled_forest

__all__ = ["as_html"]

# Where the figure goes: a private-use character, which the report removes from everything that comes from a file.
PLACE: Final = "\ue000"
STYLE: Final = """
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--lr-paper); color: var(--lr-ink);
  font: 1rem/1.5 system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; overflow-wrap: anywhere; }
table { display: block; overflow-x: auto; border-collapse: collapse; font-size: 0.9rem; overflow-wrap: normal; }
th, td { border-bottom: 1px solid var(--lr-rule); padding: 0.3rem 0.75rem 0.3rem 0; text-align: left;
  vertical-align: top; }
figure { margin: 1.5rem 0; }
"""


def as_html(difference: Difference) -> str:
    """Return a difference as a page.

    HTML in what comes from files is shown as text, and the page's policy forbids scripts and anything from elsewhere.
    """
    body = MarkdownIt("js-default").render(as_markdown(difference, forest=PLACE))
    if difference.effects and difference.pooled is not None:
        body = body.replace(f"<p>{PLACE}</p>", _figure(difference))
    light, dark = (
        "".join(f"{name}: {value}; " for name, value in css_variables(theme).items()) for theme in ("light", "dark")
    )
    theme = f":root {{ color-scheme: light dark; {light}}}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark}}} }}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>What changes in the review</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<style>\n{theme}\n{STYLE}</style></head>\n<body>\n{body}</body></html>\n"
    )


def _figure(difference: Difference) -> str:
    assert difference.pooled is not None
    shown = show_pooled_forest(difference.pooled)
    return str(shown.data) if isinstance(shown, HTML) else shown.html
