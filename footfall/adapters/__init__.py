"""The stores behind the ports; none imports another."""
