"""Sign-offs as a pure state machine: a round of a step, and what each act makes of it. It knows no database, clock or name.

An act takes a `round.Round` and who acts, and gives `round.Turned`, or raises an error that says why not. What it decides:

- A place in the round is held by one sign-off after another: a transferred, withdrawn or lapsed one stays as it was, and a new
  one takes its place (`former`), with its weight and turn. Whatever was decided is never changed, except that a withdrawn one
  says so and what it had been.
- Whether a sign-off waits or is open is never said by an act but follows from who has to be heard before (`turns.ahead`).
- What a round comes to follows from its counted sign-offs alone (`modes.verdict`); what is undecided then lapses.
- An opinion of a delegate is `resolved`, not approved: it decides nothing and counts nowhere.
- In a parallel step peers do not block a withdrawal; in a sequence whoever decided afterwards does.

Stored as it is by `engine.work`: mode in `work_steps`, the rest of the step in its chain's version; outcome in `work_rounds`;
a signer in `sign_offs`, its number as `position`, with columns that are null for the only signer of a step: `weight`, `place`,
`origin`, `by_position`, `former`, `because`, `for_id`, `was`. Numbers, as they point within the round, are two bytes each.
"""
