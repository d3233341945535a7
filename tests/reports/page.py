"""A page as an independent parser of HTML reads it: any error in it is one of the test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

import html5lib

from testery_gate.judging.judged import Judged
from testery_gate.reports import html

_NAMESPACES = ("{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/2000/svg}")


class Page:
    """A page and the ways to look at it."""

    def __init__(self, source: str, *, sandbox: bool = False) -> None:
        """Read a page as a browser does, which in a ``sandbox`` has no scripting."""
        parser = html5lib.HTMLParser(strict=True)
        self.source = source
        self.root: Element = parser.parse(source, scripting=not sandbox)

    @classmethod
    def of(cls, *runs: Judged, limit: int = html.LIMIT) -> Page:
        """Render verdicts and read them back."""
        return cls(html.render(runs, limit=limit))

    def all(self, *names: str, within: Element | None = None) -> list[Element]:
        """Return the elements of these names, in order."""
        start = self.root if within is None else within
        return [found for found in start.iter() if tag(found) in names]

    def labels(self, beginning: str = "") -> list[str]:
        """Return what drawings say in words, those that begin so."""
        labels = [drawing.get("aria-label", "") for drawing in self.all("svg")]
        return [label for label in labels if label and label.startswith(beginning)]

    def headings(self) -> list[str]:
        """Return the headings below the first, in order."""
        return [words(heading) for heading in self.all("h2", "h3", "h4")]

    def section(self, heading: str) -> Element:
        """Return the section under a heading."""
        (found,) = (
            section for section in self.all("section") if words(section[0]).startswith(heading)
        )
        return found

    def links(self) -> dict[str, str]:
        """Return addresses by the words that lead there."""
        return {words(link): link.get("href", "") for link in self.all("a")}

    def rows(self, table: Element) -> Iterator[Sequence[str]]:
        """Return the rows of a table as the words in their cells."""
        for row in self.all("tr", within=table):
            yield [words(cell) for cell in row]


def tag(element: Element) -> str:
    """Return an element's name without its namespace, which has to be HTML's or SVG's."""
    name: str = element.tag
    for namespace in _NAMESPACES:
        if name.startswith(namespace):
            return name.removeprefix(namespace)
    raise AssertionError(name)


def words(element: Element) -> str:
    """Return the text in an element, on one line, as it is read."""
    return " ".join("".join(_read(element)).split())


def _read(element: Element) -> Iterator[str]:
    apart = "" if tag(element) in _INLINE else " "
    yield apart + (element.text or "")
    for child in element:
        yield from _read(child)
        yield child.tail or ""
    yield apart


_INLINE = {"a", "b", "bdi", "code", "font", "nobr", "svg", "wbr"}
