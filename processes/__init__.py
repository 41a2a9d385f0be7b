"""Procedures, one folder each; `rules` holds their arithmetic as pure functions."""
