"""From chapters and data to a published site.

::

    chapters/ ── inputs ──▶ notebooks ── chapters, kernel ──▶ results ──┐
                            what they show: elements, figures,          ├── site ──▶ staged book
                            explorer, fault_codes                       │
    data/ ── study_pages, references, metadata ──▶ pages, banner ───────┘

    staged book ── Jupyter Book with sphinx_ext, mending ──▶ pages ─────┐
                                                                        ├── site ──▶ _site/ ── pdf ──▶ review.pdf
    data/ ── tidy, datapackage, references, metadata ── beside ─▶ files ┘
"""
