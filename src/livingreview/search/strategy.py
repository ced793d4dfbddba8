"""Write the one search strategy as a runnable query of each database, which a :class:`Syntax` describes.

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
from livingreview.review.model import Concept, Strategy, Term

__all__ = ["SYNTAXES", "concept_query", "limits", "serialise"]

# Languages by ISO 639-1, for databases that want a code.
LANGUAGE_CODES: Mapping[str, str] = MappingProxyType(
    {
        "arabic": "ar", "chinese": "zh", "dutch": "nl", "english": "en", "french": "fr", "german": "de",
        "italian": "it", "japanese": "ja", "korean": "ko", "polish": "pl", "portuguese": "pt", "russian": "ru",
        "spanish": "es", "turkish": "tr",
    }
)  # fmt: skip


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
        The limit to publication years; offers ``{first}``, ``{last}``, ``{before}``, ``{after}``, and ``{each}`` for
        all of them joined by OR.
    language, languages
        One language (``{language}``, or its code ``{code}``), and the limit to any of several
        (``{languages}``); both empty where there is no such limit.
    shortest_stem
        Fewest characters that must stand before a truncation sign; 1 where the documentation names no minimum, None
        where nothing is truncated.
    documentation
        Where the producer documents this syntax.
    opening
        Stands before the first concept.
    limit_and, limit_or
        What joins limits, and the languages of one, where they are parameters beside the query.
    truncated_phrases
        Whether a truncation sign works inside of quotes.
    """

    name: str
    quote: str
    term: str
    terms: str
    heading: str | None
    years: str
    language: str
    languages: str
    shortest_stem: int | None
    documentation: str
    opening: str = ""
    limit_and: str = " AND "
    limit_or: str = " OR "
    truncated_phrases: bool = True


_SYNTAXES = (
    Syntax("PubMed", '"', "{term}[tiab]", "({terms})", '"{heading}"[mh]', "{first}:{last}[dp]",
           "{language}[la]", "({languages})", 4,
           "https://pubmed.ncbi.nlm.nih.gov/help/"),
    Syntax("Embase", "'", "{term}", "({terms}):ti,ab,kw", "'{heading}'/exp", "[{first}-{last}]/py",
           "[{language}]/lim", "({languages})", 1,
           "https://www.elsevier.support/embase/answer/can-i-use-boolean-operators-wildcards-and-proximity-operators-in-embase"),
    Syntax("Web of Science", '"', "{term}", "TS=({terms})", None, "PY=({first}-{last})",
           "{language}", "LA=({languages})", 3,
           "https://webofscience.help.clarivate.com/Content/search-rules.htm"),
    Syntax("Scopus", '"', "{term}", "TITLE-ABS-KEY({terms})", 'INDEXTERMS("{heading}")',
           "PUBYEAR > {before} AND PUBYEAR < {after}",
           "{language}", "LANGUAGE({languages})", 1,
           "https://dev.elsevier.com/sc_search_tips.html"),
    Syntax("Ovid", '"', "{term}", "({terms}).ti,ab,kf.", "exp {heading}/", "({each}).yr.",
           "{language}", "({languages}).la.", 1,
           "https://ospguides.ovid.com/OSPguides/medline.htm"),
    Syntax("Europe PMC", '"', "TITLE_ABS:{term}", "({terms})", None, "PUB_YEAR:[{first} TO {last}]",
           # Not every record there says its language, and preprints least of all.
           "", "", 1,
           "https://europepmc.org/searchsyntax",
           truncated_phrases=False),
    Syntax("OpenAlex", '"', "{term}", "({terms})", None, "publication_year:{first}-{last}",
           "{code}", "language:{languages}", None,
           "https://developers.openalex.org/guides/searching",
           opening="title_and_abstract.search:", limit_and=",", limit_or="|"),
    Syntax("IEEE Xplore", '"', '"All Metadata":{term}', "({terms})", None, "start_year={first}&end_year={last}",
           "", "", 3,
           "https://developer.ieee.org/docs/read/Metadata_API_details",
           opening="querytext=", limit_and="&"),
)  # fmt: skip
SYNTAXES: Mapping[str, Syntax] = MappingProxyType({syntax.name: syntax for syntax in _SYNTAXES})

# Words that one of the databases reads as an operator or skips when they stand alone and unquoted.
OPERATORS = frozenset({"and", "or", "not", "near", "next", "same", "w", "pre"})
PLAIN_WORD = re.compile(r"\w+")


def serialise(strategy: Strategy, database: str) -> str:
    """Return the strategy as a query that can be pasted into a database, one of :data:`SYNTAXES`.

    One line per concept, then one line of limits, joined by AND, or by the sign that sets parameters beside the query
    apart. Every part stands in its own parentheses or field, because Embase gives no operator precedence over another.

    Raises
    ------
    SearchError
        The database is unknown, a concept has no term for it, it has no headings of its own, or a term has no words
        or is too short to be truncated there.
    """
    syntax = _syntax(database)
    concepts = "\nAND ".join(concept_query(concept, database) for concept in strategy.concepts)
    return f"{syntax.opening}{concepts}\n{syntax.limit_and.lstrip()}{limits(strategy, database)}"


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
        The database is unknown, wants codes of languages and the code is not known, or the last year comes before
        the first.
    """
    syntax = _syntax(database)
    first, last = strategy.from_year, strategy.to_year
    if last < first:
        raise SearchError(f"the strategy ends in {last}, before it begins in {first}; correct from_year or to_year")
    each = " OR ".join(str(year) for year in range(first, last + 1))
    parts = [syntax.years.format(first=first, last=last, before=first - 1, after=last + 1, each=each)]
    if strategy.languages and syntax.languages:
        names = [_language(language, syntax) for language in strategy.languages]
        parts.append(syntax.languages.format(languages=syntax.limit_or.join(names)))
    return syntax.limit_and.join(parts)


def _syntax(database: str) -> Syntax:
    try:
        return SYNTAXES[database]
    except KeyError:
        known = ", ".join(SYNTAXES)
        raise SearchError(f"no query syntax for {database!r}; use one of {known}, or add a Syntax") from None


def _language(language: str, syntax: Syntax) -> str:
    name = language.lower()
    code = LANGUAGE_CODES.get(name)
    if code is None and "{code}" in syntax.language:
        known = ", ".join(LANGUAGE_CODES)
        raise SearchError(f"{syntax.name} wants the code of {language!r}, which is not known; known are {known}")
    return syntax.language.format(language=name, code=code)


def _words(text: str) -> str:
    words = " ".join(re.findall(r"[\w'’-]+", text)).replace("’", "'")
    if not PLAIN_WORD.search(words):
        raise SearchError(f"the search term {text!r} has no words; a term is words, not query language")
    return words


def _free_text(term: Term, syntax: Syntax) -> str:
    words = _words(term.text)
    if term.truncated:
        stem = words.rsplit(" ", 1)[-1]
        if syntax.shortest_stem is None or (stem != words and not syntax.truncated_phrases):
            raise SearchError(f"{syntax.name} cannot truncate {words!r}; spell the words out under databases")
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
