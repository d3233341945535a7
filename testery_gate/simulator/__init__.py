"""A stand-in Testery API over real HTTP on loopback, with scripted runs and scripted faults.

It imports nothing else of this package: otherwise a mistake in how the gate reads the API could be
made here too, and stay unseen.

.. code-block:: text

    reading  →  scenario  →  script  →  api  →  injection  →  server
    TOML        what it      a run's    real    scripted      HTTP and
                says         state at   answer  faults        the clock
                             an age
"""

from testery_gate.simulator.reading import load_scenario, scenarios
from testery_gate.simulator.scenario import Scenario
from testery_gate.simulator.server import DEFAULT_TOKEN, Exchange, Simulator
from testery_gate.simulator.table import ScenarioError

__all__ = [
    "DEFAULT_TOKEN",
    "Exchange",
    "Scenario",
    "ScenarioError",
    "Simulator",
    "load_scenario",
    "scenarios",
]
