"""Everything invented: the people of the demo and the sample company. Imports nothing of the engine."""
