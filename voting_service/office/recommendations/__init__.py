"""What districts and departments recommend: from an empty form to a receipt, and late ones."""
