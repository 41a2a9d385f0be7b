"""Letters of a procedure: HTML that people edit, printed as PDF, and texts that are drafted for people to go on with.

`vocabulary` says which HTML a letter is made of, `reading` reads it and tells what is no part of it, `spelling` how a value is
written, `filling` puts the values of a case in, `layout.typ` is how it is printed, `places` are those of text drafts, `operations`
is what a diagram calls, `checking` compares letters with the steps that make them.
"""
