"""`python -m gateway` is `challenge-gateway`."""

from gateway.cli.main import main

main()
