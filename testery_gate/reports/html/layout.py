"""How the page is laid out: everything that a style sheet would say, were there one."""

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
"""Unfolds everything on paper, keeps headings with what follows, colours below white letters, and
leaves out what is there again unfolded. Nothing but a style sheet can; browsers unfold since
Chromium 131, Firefox 143 and Safari 18.4."""
_HASH = b64encode(sha256(_ON_PAPER.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
"""For who opens the file where no server sends a policy: nothing in it runs or is fetched."""

_WIDTH = 920
"""Pixels of the column that all is in; it shrinks where there is less room."""
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
    # What drawings refer to takes a line, though nothing of it is seen.
    body = element("body", element("font", frame, face="system-ui, sans-serif"), definitions())
    return Markup(f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n")


def _unless_in_a_sandbox(content: Markup) -> Markup:
    """Return content that is a comment where the server's policy puts the page into a sandbox.

    Jenkins does so, and forbids styles within the page; its readers' browsers would complain. In a
    sandbox there is no scripting, so that what is in ``noscript`` is read as HTML: the beginning
    and the end of a comment. Elsewhere it is text that nobody sees (HTML standard, 4.12.2).
    """
    return Markup(f"<noscript><!--</noscript>{content}<noscript>--></noscript>")


def banner(color: str, drawn: str, heading: str, below: str) -> Markup:
    """Return the page's heading in white on a colour, where it can wrap."""
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
    """Return what no line break parts; a blank that never breaks does not bind a sign."""
    return element("nobr", *content)


def small(*content: str) -> Markup:
    """Return secondary text."""
    return element("font", *content, size=2)


def rule() -> Markup:
    """Return a horizontal line."""
    return element("hr", noshade="", size=1, color=_LINE)


def name(content: str, otherwise: str = "") -> Markup:
    """Return a name from elsewhere, which may be long and in a script of either direction."""
    shown = words(content)
    return element("bdi", shown) if shown else Markup(otherwise)


def code(content: str, otherwise: str = "") -> Markup:
    """Return a name that machines read, such as a file's."""
    shown = words(content)
    return element("code", shown, dir="auto") if shown else Markup(otherwise)


def signs(drawn: str, label: str) -> Markup:
    """Return a row of signs, each as wide as the others; nothing for none."""
    if not drawn:
        return NOTHING
    return element("font", element("code", drawn, role="img", aria_label=label), size=4)


def link(address: str, *content: str) -> Markup:
    """Return a link, or what it would show where there is no address."""
    return element("a", *content, href=address, rel="noreferrer") if address else join(content)


def facts(rows: Iterable[tuple[str, str]]) -> Markup:
    """Return labels and what is to be said of them; nothing for none."""
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
    """Return a table with a line below each group of rows; numbers are in all but one column."""
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
    """Return a group of a table: a row, and what is said or drawn below across all columns.

    The first cell is its header, in that role: the element for it would be bold. ``wide`` gives
    it all the room that the others can do without.
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

    An excerpt of what is folded below is not on paper, where nothing is folded.
    """
    only_on_screen = {"class": "excerpt"} if is_excerpt else {}
    return element("pre", breakable(content), wrap="", **only_on_screen)


def entries(items: Iterable[str]) -> Markup:
    """Return entries one below the other, with a line after each."""
    return _ruled(*items, frame="hsides", role="presentation")


def entry(content: str) -> Markup:
    """Return one of them."""
    return element("tbody", element("tr", element("td", content)))


def fitting(
    budget: SizeBudget, items: Iterable[Markup], count: int, what: str
) -> tuple[list[Markup], Markup]:
    """Return as many items as fit, and how many are left out, if any."""
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
    """Say that there are so many more, if there are any."""
    return paragraph(f"… {view.more(count, what)}") if count > 0 else NOTHING
