"""A page for people: one file that needs no other, and works under the strictest content policy.

Jenkins and others serve reports under a policy that forbids scripts, style sheets and ``style``
attributes. So the page uses only attributes of HTML and SVG. Charts are SVG. Some attributes for
layout are obsolete, but the HTML standard requires browsers to support them (section 15,
Rendering); all of these are in ``layout``.
There is one style sheet, for paper, because nothing else unfolds content there. The screen looks
the same without it.
Lengths in charts are percentages of the available width, so that a chart fits a phone and its text
keeps its size. Colours have enough contrast to white and to the black of a dark page.
"""

from __future__ import annotations

from testery_gate.reports.html.page import LIMIT, render

__all__ = ["LIMIT", "render"]
