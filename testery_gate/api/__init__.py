"""The Testery API: one bounded request, what its faults mean, and trying again."""
