"""From a run to a verdict, by pure functions and exact numbers."""
