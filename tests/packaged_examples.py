"""The package's copies of the examples that ``init`` writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from testery_gate.cli.config_file import PROJECT_FILE
from testery_gate.cli.pipelines import PIPELINES, Pipeline

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "examples"
PACKAGED = ROOT / "testery_gate" / "examples"


def example_of(pipeline: Pipeline) -> Path:
    """Return what its file is a copy of: an example beside the others, or one of its system."""
    name = pipeline.target.rpartition("/")[2]
    beside = EXAMPLES / name
    return beside if beside.exists() else EXAMPLES / pipeline.name / name


def copies() -> Mapping[str, bytes]:
    """Return what the package must have, by name."""
    sources = {pipeline.packaged: example_of(pipeline) for pipeline in PIPELINES}
    sources[PROJECT_FILE] = EXAMPLES / PROJECT_FILE
    return {name: source.read_bytes() for name, source in sources.items()}


def write() -> None:
    """Bring the copies in step with ``docs/examples``."""
    for name, content in copies().items():
        (PACKAGED / name).write_bytes(content)
