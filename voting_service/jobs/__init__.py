"""Background loops of `voting-service work`, a file for each."""
