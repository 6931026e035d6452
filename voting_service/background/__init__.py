"""The loops of `voting-service work`."""
