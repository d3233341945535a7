from __future__ import annotations

import pytest

from testery_gate.cli import arguments
from testery_gate.errors import UsageError


@pytest.mark.usefixtures("nowhere")
def test_a_report_beside_a_folder_that_is_gone_is_refused() -> None:
    with pytest.raises(UsageError, match="the working directory is gone"):
        arguments.reports(junit_xml="t.xml", report=(), output="text")
