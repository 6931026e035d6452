"""`python -m voting_service` is `voting-service`."""

from voting_service.cli import main

main()
