"""What the cases of a procedure took, where they stand and how they ended: numbers, and the log from which others reckon.

Where an element's times come from: a user task's from its work item and sign-offs, an operation's from its job and attempts, a
timer's from its job, a wait for a message from its subscription. Gateways, scripts and decision tables take no time. Counts come
from rows; the sealed state of a case is only opened where somebody searches the running ones by a variable.

*Duration* is from the moment an element was reached until it was done. Of that, *handling* is the time in which somebody had it
in hand: from when a holder first opened the sign-off, or an attempt at a call began, until it was decided or ended; times that
overlap count once. *Waiting* is the rest. Each is told in elapsed and in working time (calendar `office`). What was left before it
was done counts nowhere but in the number of those that were left.
"""
