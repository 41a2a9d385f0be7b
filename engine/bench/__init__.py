"""Benchmarks that users can run, too: `partwell bench`."""
