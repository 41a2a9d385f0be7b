"""Runs procedures: BPMN, work, jobs and evidence. Knows no web, no HR system and no Flask."""
