from __future__ import annotations

from pathlib import Path

import pytest

from testery_gate import arguments
from testery_gate.errors import UsageError


def test_a_report_beside_a_folder_that_is_gone_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(UsageError, match="the working directory is gone"):
        arguments.reports(junit_xml="t.xml", report=(), output="text")
