"""Is this failure new? The single tests of a run, compared with those of earlier runs."""
