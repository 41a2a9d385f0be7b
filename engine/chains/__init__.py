"""Approval chains: from a list of steps that an administrator edits to named people, with the reason for each.

`steps` says what a step is and what is wrong with one, `rules` who is meant by an approver rule, `resolve` who of them signs,
`explain` tells why in a sentence, `versions` keeps what was published, and when.
"""
