"""The gate between a Testery cloud test run and a deploy."""

__version__ = "0.1.0"
