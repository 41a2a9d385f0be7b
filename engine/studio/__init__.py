"""流程设计: drafts of procedures, from the first change until they are published."""
