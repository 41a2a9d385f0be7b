"""What must hold whatever happens: random diagrams against their own semantics, killed processes, failing machines, races."""
