"""`python -m webapp.commands`: the same as `partwell`."""

from . import main

main()
