"""Everything invented: people, their answers, sandboxes of them, and the sample company, which imports nothing of the engine."""
