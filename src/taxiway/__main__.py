"""``python -m taxiway``: the command line."""

from taxiway.cli.main import main

main()
