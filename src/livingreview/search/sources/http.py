"""Ask a web service politely, and believe nothing that it sends before it was checked.

Requests keep a service's spacing; an answer that a second try may mend is asked for again with growing, jittered
pauses, or after the pause that the service names; everything else is a :class:`~livingreview.errors.SearchError` that
says what came. Keys and queries never appear in a message.
"""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from json import loads
from typing import Any, TypeVar
from xml.etree.ElementTree import Element, ParseError

import httpx
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from livingreview import __version__
from livingreview.errors import SearchError

__all__ = ["Absent", "Limits", "Service", "user_agent"]

ParsedT = TypeVar("ParsedT")
Parameters = Mapping[str, str | int]

# Answers that the service's own documentation, or HTTP, calls passing.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class Absent(SearchError):
    """The service has nothing at the address asked for."""


class Transient(Exception):
    """The answer is unusable, and asking again may help, after so many seconds if the service says how long to wait."""

    def __init__(self, problem: str, seconds: float | None = None) -> None:
        super().__init__(problem)
        self.seconds = seconds


@dataclass(frozen=True)
class Limits:
    """How long and how often to ask.

    Requests per answer; seconds before the second attempt, and at most before any (a service that asks for more ends
    the run); seconds to connect, between two pieces of an answer, and for all of it; bytes of one answer, decompressed.
    """

    attempts: int = 6
    first_pause: float = 1.0
    longest_pause: float = 120.0
    connect: float = 15.0
    silence: float = 60.0
    whole: float = 300.0
    size: int = 100_000_000


@dataclass
class Service:
    """One web service by its name for messages, and the address that every path is appended to.

    It holds the time of the last request, to keep at least its `spacing` in seconds between the starts of two.

    Parameters
    ----------
    headers
        Sent with every request; where a service takes its key in one, it is here.
    clock, sleep, jitter
        Seconds of a steady clock, a pause, and a number in [0, 1).
    remedy
        What to do when no attempt helped.
    """

    name: str
    base: str
    spacing: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    limits: Limits = Limits()
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    remedy: str = "Nothing was recorded; run the search again, it goes on where it broke off"
    _last: float | None = field(default=None, init=False, repr=False)
    _client: httpx.Client | None = field(default=None, init=False, repr=False)

    def json(self, path: str, parameters: Parameters, *, method: str = "GET") -> dict[str, Any]:
        """Return the JSON object at a path; see :meth:`ask`."""

        def parse(body: bytes) -> dict[str, Any]:
            try:
                content = loads(body)
            except (ValueError, RecursionError) as error:
                raise Transient(f"JSON that breaks off or is none ({error})") from None
            if not isinstance(content, dict):
                raise Transient("JSON that is not an object")
            return content

        return self.ask(path, parameters, parse, method)

    def xml(self, path: str, parameters: Parameters, *, method: str = "GET") -> Element:
        """Return the root of the XML document at a path, which must not declare entities; see :meth:`ask`."""

        def parse(body: bytes) -> Element:
            try:
                root: Element = fromstring(body)
            except ParseError as error:
                raise Transient(f"XML that breaks off or is none ({error})") from None
            except DefusedXmlException:
                raise SearchError(f"{self.name} answered with XML that declares entities; it was not read") from None
            return root

        return self.ask(path, parameters, parse, method)

    def ask(self, path: str, parameters: Parameters, parse: Callable[[bytes], ParsedT], method: str) -> ParsedT:
        """Return an answer that `parse` could read, asking again while a :class:`Transient` says that it may help.

        With the method ``"POST"``, for queries too long for an address, the parameters are the form.

        Raises
        ------
        SearchError
            No usable answer came, and another attempt would not help; the message says what did.
        """
        trouble, seconds = "", None
        for attempt in range(self.limits.attempts):
            if attempt:
                # After a pause that the service asked for, only the jitter is added.
                pause = self.limits.first_pause * (2.0 ** (attempt - 1) if seconds is None else 1.0)
                self.sleep(min(pause, self.limits.longest_pause) * (0.5 + 0.5 * self.jitter()))
            if self._last is not None and (early := self.spacing - (self.clock() - self._last)) > 0:
                self.sleep(early)
            self._last = self.clock()
            try:
                return parse(self._request(path, parameters, method))
            except Transient as error:
                trouble, seconds = str(error), error.seconds
                if seconds is not None:
                    self.sleep(seconds)
            except httpx.TransportError as error:
                trouble, seconds = ": ".join(filter(None, (type(error).__name__, str(error)))), None
        raise SearchError(
            f"{self.name} gave no usable answer in {self.limits.attempts} attempts; the last: {trouble}. {self.remedy}"
        )

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def _request(self, path: str, parameters: Parameters, method: str) -> bytes:
        if self._client is None:
            timeout = httpx.Timeout(self.limits.silence, connect=self.limits.connect)
            self._client = httpx.Client(headers=dict(self.headers), timeout=timeout, verify=_certificates())
        address = f"{self.base.rstrip('/')}/{path}"
        texts = {name: str(value) for name, value in parameters.items()}
        content = {"data": texts} if method == "POST" else {"params": texts}
        started = self.clock()
        with self._client.stream(method, address, **content) as response:  # type: ignore[arg-type]  # one of the two
            body = self._read(response, started)
        if response.status_code in _PASSING:
            raise self._passing(response)
        shown = "".join(
            character if character.isprintable() else "�"
            for character in " ".join(body[:300].decode("utf-8", "replace").split())
        )
        if response.status_code != httpx.codes.OK:
            refusal = Absent if response.status_code == httpx.codes.NOT_FOUND else SearchError
            raise refusal(f"{self.name} refused the request with status {response.status_code}: {shown}")
        if "html" in response.headers.get("content-type", "").lower() or body[:200].lstrip().lower().startswith(
            (b"<!doctype html", b"<html")
        ):
            raise Transient(f"a web page instead of data: {shown[:100]}")
        return body

    def _read(self, response: httpx.Response, started: float) -> bytes:
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > self.limits.size:
                raise SearchError(f"{self.name} sent more than {self.limits.size:,} bytes in one answer")
            if self.clock() - started > self.limits.whole:
                raise Transient(f"an answer that was not complete after {self.limits.whole:g} seconds")
        return bytes(body)

    def _passing(self, response: httpx.Response) -> Exception:
        status = f"status {response.status_code}"
        seconds = _retry_after(response.headers.get("retry-after", ""))
        if seconds is None:
            return Transient(status)
        if seconds > self.limits.longest_pause:
            return SearchError(f"{self.name} asks to wait {seconds:,.0f} seconds ({status}); run it again after that")
        return Transient(f"asked to wait {seconds:g} s, {status}", seconds)


def user_agent(contact: str) -> str:
    """Return the ``User-Agent`` that says who asks and how to reach them: an e-mail or web address, or nothing.

    >>> user_agent("jane@example.org").endswith("(mailto:jane@example.org)")
    True
    """
    where = f"mailto:{contact}" if "@" in contact else f"+{contact}"
    return f"livingreview/{__version__}" + (f" ({where})" if contact else "")


@cache
def _certificates() -> ssl.SSLContext:
    # Reading the authorities takes longer than most requests; one reading serves every service.
    return httpx.create_ssl_context()


def _retry_after(value: str) -> float | None:
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
