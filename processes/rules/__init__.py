"""The arithmetic of the procedures as pure functions; the composition root offers them to diagrams as operations."""
