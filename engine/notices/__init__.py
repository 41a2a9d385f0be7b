"""Notices: who is told what, by which channel, and when.

Who is told is decided in the transaction in which it happens (`telling`), by what each person wishes (`wishes`). Each notice is
sent by a job of its own (`sending`), which touches no case: a channel that is down stops nobody's work. What could not be sent
is shown to administrators (`failures`).
"""
