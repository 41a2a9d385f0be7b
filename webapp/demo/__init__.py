"""Everything invented: the people of the demo and the sample company, which imports nothing of the engine."""
