"""How the page is laid out: everything that a style sheet would otherwise define."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256

from testery_gate.reports import view
from testery_gate.reports.budget import SizeBudget
from testery_gate.reports.html.markup import NOTHING, Markup, breakable, element, join, words
from testery_gate.reports.html.svg import definitions

_ON_PAPER = (
    "::details-content{display:block;content-visibility:visible}"
    "h2,h3,summary{break-after:avoid}svg{break-inside:avoid}"
    "[bgcolor]{-webkit-print-color-adjust:exact;print-color-adjust:exact}"
    "@supports selector(::details-content){.excerpt{display:none}}"
)
"""On paper, unfolds everything, keeps headings with what follows, keeps the colours behind white
text, and leaves out excerpts of what is unfolded. Only a style sheet can do this. Browsers unfold
since Chromium 131, Firefox 143 and Safari 18.4."""
_HASH = b64encode(sha256(_ON_PAPER.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
"""Nothing in the file runs or is fetched, also where no server sends a policy."""

_WIDTH = 920
"""Pixels of the column with the whole content; it shrinks where there is less room."""
_LINE = "#8c959f"


def page(title: str, header: str, main: str) -> Markup:
    """Return the whole document."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="generator", content="testery-gate"),
        element("title", title),
        _unless_in_a_sandbox(element("style", Markup(_ON_PAPER), media="print")),
    )
    column = element(
        "td",
        element("header", header),
        element("main", main),
        element("footer", rule(), paragraph(small("Written by testery-gate. Times are in UTC."))),
        width=_WIDTH,
    )
    frame = element(
        "table", element("tr", column), align="center", cellpadding=8, role="presentation"
    )
    # The definitions take a line, although nothing of them is visible.
    body = element("body", element("font", frame, face="system-ui, sans-serif"), definitions())
    return Markup(f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n")


def _unless_in_a_sandbox(content: Markup) -> Markup:
    """Return content that is a comment where the server's policy puts the page into a sandbox.

    Jenkins does this, and forbids style sheets in the page, which browsers would then report as
    errors. A sandbox has no scripting, so a browser reads what is in ``noscript`` as HTML: the
    beginning and the end of a comment. Elsewhere it is text that is not shown (HTML standard,
    4.12.2).
    """
    return Markup(f"<noscript><!--</noscript>{content}<noscript>--></noscript>")


def banner(color: str, drawn: str, heading: str, below: str) -> Markup:
    """Return the page's heading in white on a colour; it can wrap."""
    white = "#ffffff"
    lines = [element("font", heading, color=white, size=5)]
    if below:
        lines += [element("br"), element("font", below, color=white, size=4)]
    row = element(
        "tr",
        element("td", drawn, valign="middle"),
        element("td", element("font", element("h1", *lines), size=2), width="100%"),
        bgcolor=color,
    )
    return element("table", row, width="100%", cellpadding=8, cellspacing=0, role="presentation")


def section(heading: str, level: int, *content: str) -> Markup:
    """Return a section under its heading; nothing where it would be empty."""
    inner = join(content)
    if not inner:
        return NOTHING
    return element("section", element(f"h{level}", heading), inner)


def paragraph(*content: str) -> Markup:
    """Return a paragraph."""
    return element("p", *content)


def together(*content: str) -> Markup:
    """Return content without line breaks; a no-break space would not keep a sign with its word."""
    return element("nobr", *content)


def small(*content: str) -> Markup:
    """Return secondary text."""
    return element("font", *content, size=2)


def rule() -> Markup:
    """Return a horizontal line."""
    return element("hr", noshade="", size=1, color=_LINE)


def name(content: str, otherwise: str = "") -> Markup:
    """Return a remote name, which may be long, and written from left to right or right to left."""
    shown = words(content)
    return element("bdi", shown) if shown else Markup(otherwise)


def code(content: str, otherwise: str = "") -> Markup:
    """Return a name for machines, such as that of a file."""
    shown = words(content)
    return element("code", shown, dir="auto") if shown else Markup(otherwise)


def signs(drawn: str, label: str) -> Markup:
    """Return a row of signs of the same width; nothing for no signs."""
    if not drawn:
        return NOTHING
    return element("font", element("code", drawn, role="img", aria_label=label), size=4)


def link(address: str, *content: str) -> Markup:
    """Return a link, or only its content where there is no address."""
    return element("a", *content, href=address, rel="noreferrer") if address else join(content)


def facts(rows: Iterable[tuple[str, str]]) -> Markup:
    """Return a table of labels and contents; nothing for no rows."""
    shown = join(
        element(
            "tr",
            element("th", label, scope="row", align="left", valign="top"),
            element("td", content, valign="top"),
        )
        for label, content in rows
    )
    return element("table", shown, cellpadding=4) if shown else NOTHING


def data(head: Sequence[str], groups: Iterable[str], *, caption: str) -> Markup:
    """Return a table with a line below each group of rows; numbers are right-aligned."""
    first, *others = head
    titles = element(
        "tr",
        element("th", small(first), scope="col", align="left", valign="bottom"),
        *(
            element("th", small(other), scope="col", align="right", valign="bottom")
            for other in others
        ),
    )
    return _ruled(element("thead", titles), *groups, frame="below", aria_label=caption)


def _ruled(*groups: str, frame: str, **named: str) -> Markup:
    return element(
        "table",
        *groups,
        width="100%",
        cellpadding=6,
        rules="groups",
        frame=frame,
        bordercolor=_LINE,
        **named,
    )


def group(first: str, *others: str, below: str = "", wide: bool = False) -> Markup:
    """Return a group of a table: a row, and what is below it across all columns.

    The first cell is its header, by its role, because an element ``th`` would be bold. With
    ``wide`` it takes all the room that the other cells do not need.
    """
    row = element(
        "tr",
        element("td", first, role="rowheader", valign="top", width="100%" if wide else None),
        *(element("td", other, align="right", valign="top") for other in others),
    )
    more = element("tr", element("td", below, colspan=1 + len(others))) if below else NOTHING
    return element("tbody", row, more)


def folded(summary: str, *content: str, open_: bool = False) -> Markup:
    """Return content that a reader can unfold."""
    return element("details", element("summary", summary), *content, open="" if open_ else None)


def listing(content: str, *, is_excerpt: bool = False) -> Markup:
    """Return lines as they are, wrapped where they are too long.

    An excerpt of content that is folded below is not printed, because on paper nothing is folded.
    """
    only_on_screen = {"class": "excerpt"} if is_excerpt else {}
    return element("pre", breakable(content), wrap="", **only_on_screen)


def entries(items: Iterable[str]) -> Markup:
    """Return entries one below the other, with a line after each."""
    return _ruled(*items, frame="hsides", role="presentation")


def entry(content: str) -> Markup:
    """Return one entry for :func:`entries`."""
    return element("tbody", element("tr", element("td", content)))


def fitting(
    budget: SizeBudget, items: Iterable[Markup], count: int, what: str
) -> tuple[list[Markup], Markup]:
    """Return as many items as fit, and how many are left out, if there are any."""
    rest = more(count, what)
    if not budget.take(rest):
        return [], NOTHING
    taken: list[Markup] = []
    for item in items:
        if not budget.take(item):
            break
        taken.append(item)
    left_out = count - len(taken)
    return taken, more(left_out, what)


def more(count: int, what: str) -> Markup:
    """Return that there are ``count`` more; nothing for 0."""
    return paragraph(f"… {view.more(count, what)}") if count > 0 else NOTHING
