"""Run the gate as a step of GitHub Actions, with what action.yml made of the inputs.

The interpreter is that of the virtual environment, started with ``-I``, so that neither the
caller's variables nor the working directory can bring in other modules, and with ``-B``, so that
nothing is written into the action's folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

INPUT = "TESTERY_GATE_INPUT_"


def run(environment: MutableMapping[str, str]) -> int:
    """Hand the inputs on as the gate's own variables, and return the step's exit code."""
    inputs = {
        name.removeprefix(INPUT): environment.pop(name)
        for name in list(environment)
        if name.startswith(INPUT)
    }
    command, runs, fail = (inputs.pop(name) for name in ("COMMAND", "RUNS", "FAIL"))
    # An empty input leaves alone what the workflow's own env says.
    environment.update({f"TESTERY_GATE_{name}": value for name, value in inputs.items() if value})
    # A file that lies in the checkout comes with the change under test.
    if not environment.get("TESTERY_GATE_CONFIG", "").strip():
        environment["TESTERY_GATE_NO_CONFIG"] = "true"

    from testery_gate.__main__ import main

    # No input can be taken for an option: --help would end with 0.
    code = main([command, "--ci=github", "--", *runs.split()])
    return code if fail == "true" else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    sys.exit(run(os.environ))
