"""The studio: drafts of procedures, from the first change until they are published."""
