"""Bring what is generated in step with the code: ``python -m tests.write_readme``.

That is parts of the README, of the pages about criteria and settings, of action.yml, and of the
pages about the action and ``--git-ref auto``, the schema of the configuration file, the examples
that the package has a copy of, and the picture of the terminal. Those of the page are taken with
``python -m tests.acceptance.pictures --readme``, which needs a browser.
"""

from __future__ import annotations

from tests import configuration_schema, git_ref_page, packaged_examples, terminal_picture
from tests.action import generated
from tests.readme import PARTS, brought_in_step

if __name__ == "__main__":
    for page_of_part in PARTS:
        page_of_part.write_text(brought_in_step(page_of_part), encoding="utf-8")
    action = generated.brought_in_step(generated.ACTION.read_text(encoding="utf-8"))
    generated.ACTION.write_text(action, encoding="utf-8")
    page = generated.page_brought_in_step(generated.PAGE.read_text(encoding="utf-8"), action)
    generated.PAGE.write_text(page, encoding="utf-8")
    page = git_ref_page.page_brought_in_step(git_ref_page.PAGE.read_text(encoding="utf-8"))
    git_ref_page.PAGE.write_text(page, encoding="utf-8")
    configuration_schema.write()
    packaged_examples.write()
    terminal_picture.write()
