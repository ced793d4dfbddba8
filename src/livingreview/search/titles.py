"""The title of a record without the habits of the database that printed it, and what it says it is."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final

__all__ = ["fold", "read_title"]

_TAG = re.compile(r"<[^<>]{1,40}>")
# The same for text in ASCII, several times as fast: everything but letters and digits is a blank, "'" is nothing.
_BLANKS: Final = {code: None if chr(code) == "'" else " " for code in range(128) if not chr(code).isalnum()}
_WORD = re.compile(r"[^\W_]+")
# Letters and signs that one database prints and another spells.
_SPELT: Final = str.maketrans(
    {letter: f" {unicodedata.name(letter).split()[-1].lower()} " for letter in "αβγδεζηθκλμνπρστφχψωΔΩ"}
    | {
        "’": "'",
        "‘": "'",
        "µ": " mu ",
        "≥": ">=",
        "≤": "<=",
        "ß": "ss",
        "ø": "o",
        "Ø": "O",
        "æ": "ae",
        "ł": "l",
        "ı": "i",
    }
)

# What databases add to a title: "[Review] [33 refs]", "[Erratum appears in …]", "[Turkish]", "(Chinese)".
_ADDED = re.compile(
    r"\s*[\[(](?:review|\d+ refs?\.?|letter|in [a-z]+"
    r"|[a-z]{3,8}(?:ian|ish|ese|ench|man|utch)\b[^\[\]()]*)[\])][.\s]*$"
    r"|\s*\[(?:see comments?|comment (?:in|on)|(?:published )?erratum (?:appears )?in|retraction in"
    r"|republished (?:in|from)|summary for patients in|reprint|original report).*$"
)
# Web of Science appends what an erratum corrects: "(vol 12, pg 3, 2010)", "(Retraction of vol 3, pg 1)".
_CORRECTS = re.compile(
    r"\((?:retraction of |erratum |correction |retracted article[. ]*(?:see )?)?vol\.? .{3,80}\)\s*$"
)

# A notice about a publication is not the publication. These are read in the lower-case title as printed, for the
# punctuation tells "Correction: X" from "Correction of X"; they are cut off, and the rest names what is corrected.
_CUT_NOTICES: Final = (
    ("erratum", re.compile(r"^\W*(?:errat(?:um|a)|corrigend(?:um|a)|addend(?:um|a))\b\W*(?:(?:to|for|in|of|on)\b)?")),
    ("erratum", re.compile(r"^\W*(?:author|publisher)(?:'?s'?)? corrections?\b\W*(?:(?:to|for)\b)?")),
    ("erratum", re.compile(r"^\W*corrections?(?: to\b|\s*[:–—]| -|\W*$)")),
    ("erratum", re.compile(r"\W(?:errat(?:um|a)|corrigend(?:um|a)|addendum|\[correction\]|\(correction\))\W*$")),
    (
        "retraction",
        re.compile(r"^\W*(?:retract(?:ion|ed)|withdraw(?:al|n))(?: (?:article|note|notice|paper))?\s*[:–—]"),
    ),
    ("retraction", re.compile(r"^\W*(?:notice of retraction|expression of concern)\b\W*(?:(?:to|for|of|on)\b)?")),
    ("reply", re.compile(r"^\W*(?:authors?'? )?(?:reply|response)\s*[:–—]")),
    ("comment", re.compile(r"^\W*(?:comment|commentary|letter)\s*[:–—]")),
)
# These are read in the folded title, which keeps them.
_KEPT_NOTICES: Final = (
    ("comment", re.compile(r"^(?:invited )?(?:comments?|commentary|letter) (?:on|to|re|by)\b")),
    ("reply", re.compile(r"^(?:(?:the )?authors? )?(?:reply|replies|response|rejoinder) (?:to|by|from)\b")),
    ("reply", re.compile(r"\b(?:reply|replies|authors? response)$")),
)
# Cheaper than the patterns above, which only a title with one of these can match.
_NOTICE_HINT = re.compile(r"errat|corrig|correct|addend|retract|withdr|concern|comment|letter|repl|respon|rejoin")
_NOTICE_KINDS: Final = (
    ("erratum", re.compile(r"errat|corrigend|\bcorrection|addend")),
    ("retraction", re.compile(r"\bretraction of|\bretraction notice|^retraction$|expression of concern")),
)


def fold(text: str) -> str:
    """Return lower-case words without accents, mark-up and punctuation.

    Examples
    --------
    >>> fold("T<sub>1</sub> mapping &amp; Müller’s <i>U-Net</i>")
    't1 mapping and mullers u net'
    """
    if "<" in text or "&" in text:
        text = _TAG.sub("", html.unescape(text)).replace("&", " and ")
    if text.isascii():
        return " ".join(text.lower().translate(_BLANKS).split())
    text = unicodedata.normalize("NFKD", text.translate(_SPELT))
    text = "".join(character for character in text if not unicodedata.combining(character))
    return " ".join(_WORD.findall(text.casefold().replace("'", "")))


def read_title(title: str, kind: str) -> tuple[str, str]:
    """Return what a record is a notice of, and the title as printed without what was added to it.

    Parameters
    ----------
    title
        As the database prints it.
    kind
        Type of publication in the database's words.

    Returns
    -------
    notice, title
        `notice` is ``"erratum"``, ``"retraction"``, ``"comment"`` or ``"reply"``; empty for a publication of its own.

    Examples
    --------
    >>> read_title("Author Correction: T1 mapping", ""), read_title("Motion correction: a review", "")
    (('erratum', 't1 mapping'), ('', 'motion correction: a review'))
    >>> read_title("T1 mapping (vol 12, pg 3, 2010)", ""), read_title("T1 mapping. [Review] [33 refs]", "")
    (('erratum', 't1 mapping'), ('', 't1 mapping.'))
    """
    title = title.strip().lower()
    kind = kind.lower()
    while ("[" in title or "(" in title) and (added := _ADDED.search(title)) and added.start():
        title = title[: added.start()]
    corrects = _CORRECTS.search(title)
    if corrects:
        title = title[: corrects.start()].rstrip()
    if _NOTICE_HINT.search(title):
        for name, pattern in _CUT_NOTICES:
            if found := pattern.search(title):
                return name, (title[: found.start()] + title[found.end() :]).strip() or title
        folded = fold(title)
        for name, pattern in _KEPT_NOTICES:
            if pattern.search(folded):
                return name, title
    for name, pattern in _NOTICE_KINDS:
        if kind and pattern.search(kind):
            return name, title
    if corrects:
        return ("retraction" if "retract" in corrects[0] else "erratum"), title
    return "", title
