"""People with behaviour, and the exact answers about them."""
