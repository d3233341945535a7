"""Which runs are meant: named, described, or the commit of the pipeline."""
