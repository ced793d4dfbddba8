"""Write the one search strategy as a runnable query of each database, which a :class:`Syntax` describes.

A term is words, never query language. None of these databases can escape a character that means something to it, and
all of them index words without punctuation, so punctuation is left out: ``T2*`` is searched as ``T2``, not as every
word that begins with T2. Truncation is asked for with ``truncated: true``. A heading is copied as it stands.

`livingreview check` names the terms that would not be searched as meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from livingreview.errors import DataError, Fault, SearchError
from livingreview.review.model import Concept, Strategy, Term
from livingreview.review.reading import Document, read_record
from livingreview.search.ledger import Ledger

__all__ = ["SYNTAXES", "concept_query", "limits", "search_faults", "serialise", "strategy_faults"]

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
    opening: str = ""
    limit_and: str = " AND "
    limit_or: str = " OR "
    truncated_phrases: bool = True


# Above each: where the producer documents this syntax.
_SYNTAXES = (
    # https://pubmed.ncbi.nlm.nih.gov/help/
    Syntax("PubMed", '"', "{term}[tiab]", "({terms})", '"{heading}"[mh]', "{first}:{last}[dp]",
           "{language}[la]", "({languages})", 4),
    # https://www.elsevier.support/embase/answer/can-i-use-boolean-operators-wildcards-and-proximity-operators-in-embase
    Syntax("Embase", "'", "{term}", "({terms}):ti,ab,kw", "'{heading}'/exp", "[{first}-{last}]/py",
           "[{language}]/lim", "({languages})", 1),
    # https://webofscience.help.clarivate.com/Content/search-rules.htm
    Syntax("Web of Science", '"', "{term}", "TS=({terms})", None, "PY=({first}-{last})",
           "{language}", "LA=({languages})", 3),
    # https://dev.elsevier.com/sc_search_tips.html
    Syntax("Scopus", '"', "{term}", "TITLE-ABS-KEY({terms})", 'INDEXTERMS("{heading}")',
           "PUBYEAR > {before} AND PUBYEAR < {after}",
           "{language}", "LANGUAGE({languages})", 1),
    # https://ospguides.ovid.com/OSPguides/medline.htm
    Syntax("Ovid", '"', "{term}", "({terms}).ti,ab,kf.", "exp {heading}/", "({each}).yr.",
           "{language}", "({languages}).la.", 1),
    # https://europepmc.org/searchsyntax
    Syntax("Europe PMC", '"', "TITLE_ABS:{term}", "({terms})", None, "PUB_YEAR:[{first} TO {last}]",
           # Not every record there says its language, and preprints least of all.
           "", "", 1,
           truncated_phrases=False),
    # https://developers.openalex.org/guides/searching
    Syntax("OpenAlex", '"', "{term}", "({terms})", None, "publication_year:{first}-{last}",
           "{code}", "language:{languages}", None,
           opening="title_and_abstract.search:", limit_and=",", limit_or="|"),
    # https://developer.ieee.org/docs/read/Metadata_API_details
    Syntax("IEEE Xplore", '"', '"All Metadata":{term}', "({terms})", None, "start_year={first}&end_year={last}",
           "", "", 3,
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


def _free_text(term: Term, syntax: Syntax) -> str:
    words = " ".join(re.findall(r"[\w'’-]+", term.text)).replace("’", "'")
    if not PLAIN_WORD.search(words):
        raise SearchError(f"the search term {term.text!r} has no words; a term is words, not query language")
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
    # An apostrophe would end an Embase phrase; the index has it as a space.
    quoted = f"{syntax.quote}{words.replace(syntax.quote, ' ')}{syntax.quote}"
    return syntax.term.format(term=words if plain else quoted)


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


def search_faults(root: Path) -> list[Fault]:
    """Return the faults of strategy and ledger in the data folder that the files' schemas do not see."""
    ledger = Ledger(root / "search", root)
    faults = ledger.faults() if ledger.records_path.is_file() else []
    try:
        strategy, document = read_record(root / "search" / "strategy.yaml", root, Strategy)
        return [*faults, *strategy_faults(strategy, document)]
    except DataError:
        # The check of the file itself says what is wrong with it.
        return faults


# Services that are searched without a query language of their own.
WITHOUT_SYNTAX = frozenset({"Crossref"})

# What a person who knows one database's language may write into a term, and the way out. A term is words: all of this
# is left out of the query, which then is another one than was meant. T2* stays a word, as no one truncates after a
# digit; so does a single letter with an asterisk.
_WRITTEN = (
    (re.compile(r"\[[A-Za-z/ -]+\]|:(?:ti|ab|kw|de|exp)\b|\b(?:TITLE-ABS-KEY|TS|TI|AB)\s*[=(]|\.(?:ti|ab|kf|mp|tw)\b"),
     "the field tag of one database", "write the words alone, every database gets its own tags", "STRATEGY-001"),
    (re.compile(r"(?<=[a-z]{3})[*$?#]+(?=\s|$|[\"”])"),
     "a truncation sign, which is not searched", "leave it out and set truncated: true", "STRATEGY-002"),
    (re.compile(r"(?<=\s)(?:AND|OR|NOT|NEAR|ADJ\d*|NEXT|W/\d+|NEAR/\d+)(?=\s)"),
     "an operator, which is searched as a word", "write one term per entry; terms are joined by OR", "STRATEGY-003"),
)  # fmt: skip
_PAIRS = (("(", ")"), ("[", "]"), ("“", "”"))


def strategy_faults(strategy: Strategy, document: Document) -> list[Fault]:
    """Return every fault of a strategy that its schema does not see; the document it was read from knows the lines.

    In a term: a quote or bracket without its partner, a field tag, a truncation sign, an operator; each is shown
    in the term with ``^`` before it. For a database: whatever keeps it from being searched.
    """
    faults: list[Fault] = []
    for number, concept in enumerate(strategy.concepts):
        for place, term in enumerate(concept.terms):
            where = ("concepts", number, "terms", place, "text")
            for position, problem, remedy, code in _in_term(term):
                marked = f"{term.text[:position]}^{term.text[position:]}"
                faults.append(document.fault(where, f"{problem}: {marked}", remedy, code))
            for name in term.databases or ():
                if name not in SYNTAXES and name not in WITHOUT_SYNTAX:
                    known = f"known are {', '.join(SYNTAXES)}"
                    faults.append(
                        document.fault((*where[:-1], "databases"), f"no database {name!r}", known, "STRATEGY-006")
                    )
    for place, database in enumerate(strategy.databases):
        faults += _of_database(strategy, database, document, place)
    return faults


def _in_term(term: Term) -> Iterator[tuple[int, str, str, str]]:
    text = term.text
    if text.count('"') % 2:
        yield text.rindex('"'), "a quote without its partner", "leave quotes out, phrases get them", "STRATEGY-004"
    for opening, closing in _PAIRS:
        position = _unpaired(text, opening, closing)
        if position is not None:
            yield position, f"{text[position]} without its partner", "leave it out, or close it", "STRATEGY-004"
    if term.heading:
        return
    for pattern, problem, remedy, code in _WRITTEN:
        for match in pattern.finditer(text):
            yield match.start(), problem, remedy, code


def _unpaired(text: str, opening: str, closing: str) -> int | None:
    open_at: list[int] = []
    for position, character in enumerate(text):
        if character == opening:
            open_at.append(position)
        elif character == closing:
            if not open_at:
                return position
            open_at.pop()
    return open_at[-1] if open_at else None


def _of_database(strategy: Strategy, database: str, document: Document, place: int) -> Iterator[Fault]:
    if database in WITHOUT_SYNTAX:
        return
    if database not in SYNTAXES:
        problem = f"no query syntax for {database!r}"
        yield document.fault(("databases", place), problem, f"known are {', '.join(SYNTAXES)}", "STRATEGY-006")
        return
    parts: list[tuple[tuple[str | int, ...], Callable[[], object]]] = [
        (("concepts", number), partial(concept_query, concept, database))
        for number, concept in enumerate(strategy.concepts)
    ]
    parts.append((("from_year",), partial(limits, strategy, database)))
    for where, written in parts:
        try:
            written()
        except SearchError as error:
            problem, _, remedy = str(error).partition("; ")
            yield document.fault(where, f"for {database}: {problem}", remedy, "STRATEGY-005")
