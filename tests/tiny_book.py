"""A book of two pages, to try the build on."""

from __future__ import annotations

from pathlib import Path

CONFIG = """
title: Tiny
author: Nobody
only_build_toc_files: true
execute: {execute_notebooks: "off"}
latex: {use_jupyterbook_latex: false}
bibtex_bibfiles: [references.bib]
sphinx:
  config:
    extensions:
      - myst_nb
      - jupyter_book
      - sphinx_external_toc
      - sphinx_book_theme
      - sphinxcontrib.bibtex
      - livingreview.publish.sphinx_ext
    myst_heading_anchors: 2
    html_math_renderer: livingreview_mathml
    html_copy_source: false
"""

TOC = """
format: jb-book
root: index
chapters:
- file: chapters/one
"""

CHAPTER = """---
kernelspec: {{name: python3, display_name: Python 3}}
---

# {title}

A formula, $x^2$, and a paper {{cite:p}}`somebody2020`.

```{{code-cell}} ipython3
:tags: [parameters]

data_root = "data"
as_of = None
```

```{{code-cell}} ipython3
from pathlib import Path

{code}
```
"""

REFERENCES = "\n## References\n\n```{bibliography}\n```\n"
BIBLIOGRAPHY = "@misc{somebody2020, title={A paper}, author={Body, Some}, year={2020}}"
READ = 'print("there are", len(Path(data_root, "facts.txt").read_text().split()), "facts as of", as_of)'


def chapter(title: str = "One", code: str = READ) -> str:
    """Return a chapter with one cell of code after the parameters."""
    return CHAPTER.format(title=title, code=code)


def tiny_book(root: Path) -> Path:
    """Make the book in a folder and return that."""
    (root / "chapters").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "_config.yml").write_text(CONFIG, encoding="utf-8")
    (root / "_toc.yml").write_text(TOC, encoding="utf-8")
    (root / "requirements.lock").write_text("numpy==1\n", encoding="utf-8")
    (root / "data" / "facts.txt").write_text("alpha beta gamma\n", encoding="utf-8")
    (root / "index.md").write_text(chapter("Home") + REFERENCES, encoding="utf-8")
    (root / "chapters" / "one.md").write_text(chapter(), encoding="utf-8")
    return root
