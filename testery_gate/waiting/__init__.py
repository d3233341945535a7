"""Ask until the runs are finished: deadline, interval, signals."""
