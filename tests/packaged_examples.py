"""The package's copies of the examples that ``init`` writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from testery_gate.cli.config_file import PROJECT_FILE
from testery_gate.cli.pipelines import PIPELINES

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "examples"
PACKAGED = ROOT / "testery_gate" / "examples"


def copies() -> Mapping[str, bytes]:
    """Return what the package must have, by name."""
    sources = {pipeline.packaged: pipeline.template for pipeline in PIPELINES}
    sources[PROJECT_FILE] = PROJECT_FILE
    return {name: (EXAMPLES / source).read_bytes() for name, source in sources.items()}


def write() -> None:
    """Bring the copies in step with ``docs/examples``."""
    for name, content in copies().items():
        (PACKAGED / name).write_bytes(content)
