"""Bring what is generated in step with the code: ``python -m tests.write_readme``.

That is parts of the README, of action.yml and of the pages about the action and ``--git-ref auto``.
"""

from __future__ import annotations

from pathlib import Path

from tests import git_ref_page
from tests.action import generated
from tests.readme import brought_in_step

if __name__ == "__main__":
    readme = Path(__file__).parents[1] / "README.md"
    readme.write_text(brought_in_step(readme.read_text(encoding="utf-8")), encoding="utf-8")
    action = generated.brought_in_step(generated.ACTION.read_text(encoding="utf-8"))
    generated.ACTION.write_text(action, encoding="utf-8")
    page = generated.page_brought_in_step(generated.PAGE.read_text(encoding="utf-8"), action)
    generated.PAGE.write_text(page, encoding="utf-8")
    page = git_ref_page.page_brought_in_step(git_ref_page.PAGE.read_text(encoding="utf-8"))
    git_ref_page.PAGE.write_text(page, encoding="utf-8")
