"""A page for people: one file that needs nothing else, under the strictest of content policies.

Jenkins and others serve reports under a policy that forbids scripts, style sheets and ``style``
attributes alike. What remains is what HTML and SVG say in attributes: charts are SVG, and the few
attributes of layout that no style sheet can replace here are obsolete for authors, while the HTML
standard asks every browser to honour them (section 15, Rendering). They are all in ``layout``.
The one style sheet is for paper, where nothing else unfolds what is folded; without it the screen
is the same.
Lengths in charts are shares of the width there is, so that a chart fits a phone and its text
keeps its size. Colours are as far from white as from the black of a dark page.
"""

from __future__ import annotations

from testery_gate.reports.html.page import LIMIT, render

__all__ = ["LIMIT", "render"]
