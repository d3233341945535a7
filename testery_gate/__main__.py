"""Run the gate as ``python -m testery_gate``."""

import sys

from testery_gate.cli import main

if __name__ == "__main__":
    sys.exit(main())
