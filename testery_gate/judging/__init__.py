"""From a run to a verdict: pure and exact."""
