"""场景: what should come of a procedure's files, told as people, answers, acts and expectations, and carried out in a sandbox."""
