"""How each bibliographic database wants a query written; another database is another entry of :data:`SYNTAXES`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["LANGUAGE_CODES", "SYNTAXES", "Syntax"]

# Languages by ISO 639-1, for databases that want a code.
LANGUAGE_CODES: Mapping[str, str] = MappingProxyType(
    {
        "arabic": "ar",
        "chinese": "zh",
        "dutch": "nl",
        "english": "en",
        "french": "fr",
        "german": "de",
        "italian": "it",
        "japanese": "ja",
        "korean": "ko",
        "polish": "pl",
        "portuguese": "pt",
        "russian": "ru",
        "spanish": "es",
        "turkish": "tr",
    }
)


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
            Syntax(
                name="Ovid",
                quote='"',
                term="{term}",
                terms="({terms}).ti,ab,kf.",
                heading="exp {heading}/",
                years="({each}).yr.",
                language="{language}",
                languages="({languages}).la.",
                shortest_stem=1,
                documentation="https://ospguides.ovid.com/OSPguides/medline.htm",
            ),
            Syntax(
                name="Europe PMC",
                quote='"',
                term="TITLE_ABS:{term}",
                terms="({terms})",
                heading=None,
                years="PUB_YEAR:[{first} TO {last}]",
                # Not every record there says its language, and preprints least of all.
                language="",
                languages="",
                shortest_stem=1,
                documentation="https://europepmc.org/searchsyntax",
                truncated_phrases=False,
            ),
            Syntax(
                name="OpenAlex",
                quote='"',
                term="{term}",
                terms="({terms})",
                heading=None,
                years="publication_year:{first}-{last}",
                language="{code}",
                languages="language:{languages}",
                shortest_stem=None,
                documentation="https://developers.openalex.org/guides/searching",
                opening="title_and_abstract.search:",
                limit_and=",",
                limit_or="|",
            ),
            Syntax(
                name="IEEE Xplore",
                quote='"',
                term='"All Metadata":{term}',
                terms="({terms})",
                heading=None,
                years="start_year={first}&end_year={last}",
                language="",
                languages="",
                shortest_stem=3,
                documentation="https://developer.ieee.org/docs/read/Metadata_API_details",
                opening="querytext=",
                limit_and="&",
            ),
        )
    }
)
