"""Commands that set up and check the project; none of them belongs to the product."""
