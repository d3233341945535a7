"""Is this failure mine? The single tests of a run, held against those of earlier runs."""
