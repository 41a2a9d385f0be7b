"""`partwell bench`: bring up a database of its own, measure, give the figures."""
