"""Write the one search strategy as a runnable query of each database.

A database is described by a :class:`Syntax`, which is data: another database is another entry of :data:`SYNTAXES`.

A term is words, never query language. None of these databases can escape a character that means something to it, and
all of them index words without punctuation, so punctuation is left out: ``T2*`` is searched as ``T2``, not as every
word that begins with T2. Truncation is asked for with ``truncated: true``. A heading is copied as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from livingreview.errors import SearchError
from livingreview.model import Concept, Strategy, Term

__all__ = ["SYNTAXES", "Syntax", "concept_query", "limits", "serialise"]

# Words that one of the databases reads as an operator or skips when they stand alone and unquoted.
OPERATORS = frozenset({"and", "or", "not", "near", "next", "same", "w", "pre"})
PLAIN_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Syntax:
    """How one database wants a query written; the templates are :meth:`str.format` templates.

    Parameters
    ----------
    name
        The database, as the strategy and the search log name it.
    quote
        The mark around a phrase.
    term
        One free-text term (``{term}``), with its field where the field belongs to the term.
    terms
        The terms of a concept (``{terms}``), with their field where the field belongs to the group.
    heading
        A subject heading with all narrower ones (``{heading}``); None where the database has no thesaurus of its own.
    years
        The limit to publication years; offers ``{first}``, ``{last}``, ``{before}`` and ``{after}``.
    language, languages
        One language (``{language}``), and the limit to any of several (``{languages}``).
    shortest_stem
        Fewest characters that must stand before a truncation sign; 1 where the documentation names no minimum.
    documentation
        Where the producer documents this syntax.
    """

    name: str
    quote: str
    term: str
    terms: str
    heading: str | None
    years: str
    language: str
    languages: str
    shortest_stem: int
    documentation: str


SYNTAXES: Mapping[str, Syntax] = MappingProxyType(
    {
        syntax.name: syntax
        for syntax in (
            Syntax(
                name="PubMed",
                quote='"',
                term="{term}[tiab]",
                terms="({terms})",
                heading='"{heading}"[mh]',
                years="{first}:{last}[dp]",
                language="{language}[la]",
                languages="({languages})",
                shortest_stem=4,
                documentation="https://pubmed.ncbi.nlm.nih.gov/help/",
            ),
            Syntax(
                name="Embase",
                quote="'",
                term="{term}",
                terms="({terms}):ti,ab,kw",
                heading="'{heading}'/exp",
                years="[{first}-{last}]/py",
                language="[{language}]/lim",
                languages="({languages})",
                shortest_stem=1,
                documentation="https://www.elsevier.support/embase/answer/can-i-use-boolean-operators-wildcards-and-proximity-operators-in-embase",
            ),
            Syntax(
                name="Web of Science",
                quote='"',
                term="{term}",
                terms="TS=({terms})",
                heading=None,
                years="PY=({first}-{last})",
                language="{language}",
                languages="LA=({languages})",
                shortest_stem=3,
                documentation="https://webofscience.help.clarivate.com/Content/search-rules.htm",
            ),
            Syntax(
                name="Scopus",
                quote='"',
                term="{term}",
                terms="TITLE-ABS-KEY({terms})",
                heading='INDEXTERMS("{heading}")',
                years="PUBYEAR > {before} AND PUBYEAR < {after}",
                language="{language}",
                languages="LANGUAGE({languages})",
                shortest_stem=1,
                documentation="https://dev.elsevier.com/sc_search_tips.html",
            ),
        )
    }
)


def serialise(strategy: Strategy, database: str) -> str:
    """Return the strategy as a query that can be pasted into a database.

    Parameters
    ----------
    strategy
        The review's strategy.
    database
        A key of :data:`SYNTAXES`.

    Returns
    -------
    str
        One line per concept, then one line of limits, joined by AND. Every part stands in its own parentheses or
        field, because Embase gives no operator precedence over another.

    Raises
    ------
    SearchError
        The database is unknown, a concept has no term for it, it has no headings of its own, or a term has no words
        or is too short to be truncated there.
    """
    parts = [concept_query(concept, database) for concept in strategy.concepts]
    return "\nAND ".join([*parts, limits(strategy, database)])


def concept_query(concept: Concept, database: str) -> str:
    """Return one concept: its terms joined by OR, free text before headings.

    Raises
    ------
    SearchError
        As in :func:`serialise`.

    Examples
    --------
    >>> concept_query(Concept(name="method", terms=[Term(text="deep learning"), Term(text="AI")]), "Embase")
    "('deep learning' OR AI):ti,ab,kw"
    """
    syntax = _syntax(database)
    used = [term for term in concept.terms if term.databases is None or database in term.databases]
    words = list(dict.fromkeys(_free_text(term, syntax) for term in used if not term.heading))
    parts = [syntax.terms.format(terms=" OR ".join(words))] if words else []
    parts += dict.fromkeys(_headings(used, syntax))
    if not parts:
        raise SearchError(f"the concept {concept.name!r} has no term for {database}; add one, or search it elsewhere")
    return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"


def limits(strategy: Strategy, database: str) -> str:
    """Return the limits to publication years and languages, apart from the concepts.

    Raises
    ------
    SearchError
        The database is unknown, or the last year comes before the first.
    """
    syntax = _syntax(database)
    first, last = strategy.from_year, strategy.to_year
    if last < first:
        raise SearchError(f"the strategy ends in {last}, before it begins in {first}; correct from_year or to_year")
    parts = [syntax.years.format(first=first, last=last, before=first - 1, after=last + 1)]
    if strategy.languages:
        names = [syntax.language.format(language=language.lower()) for language in strategy.languages]
        parts.append(syntax.languages.format(languages=" OR ".join(names)))
    return " AND ".join(parts)


def _syntax(database: str) -> Syntax:
    try:
        return SYNTAXES[database]
    except KeyError:
        known = ", ".join(SYNTAXES)
        raise SearchError(f"no query syntax for {database!r}; use one of {known}, or add a Syntax") from None


def _words(text: str) -> str:
    words = " ".join(re.findall(r"[\w'’-]+", text)).replace("’", "'")
    if not PLAIN_WORD.search(words):
        raise SearchError(f"the search term {text!r} has no words; a term is words, not query language")
    return words


def _free_text(term: Term, syntax: Syntax) -> str:
    words = _words(term.text)
    if term.truncated:
        stem = words.rsplit(" ", 1)[-1]
        if len(stem) < syntax.shortest_stem:
            raise SearchError(
                f"{syntax.name} needs {syntax.shortest_stem} characters before a truncation sign, {stem!r} has "
                f"{len(stem)}; spell the words out"
            )
        words += "*"
    plain = PLAIN_WORD.fullmatch(words.removesuffix("*")) and words.lower() not in OPERATORS
    return syntax.term.format(term=words if plain else _quoted(words, syntax.quote))


def _headings(terms: list[Term], syntax: Syntax) -> Iterator[str]:
    for term in terms:
        if not term.heading:
            continue
        if syntax.heading is None:
            raise SearchError(
                f"{syntax.name} has no headings of its own for {term.text!r}; name the databases it is meant for "
                "under databases"
            )
        if syntax.quote in term.text:
            raise SearchError(f"{syntax.name} cannot quote the heading {term.text!r}; copy it without {syntax.quote}")
        yield syntax.heading.format(heading=term.text)


def _quoted(words: str, quote: str) -> str:
    # An apostrophe would end an Embase phrase; the index has it as a space.
    return f"{quote}{words.replace(quote, ' ')}{quote}"
