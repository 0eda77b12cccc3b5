"""Stores and services of AWS behind the ports; clients are handed in, and ``clients`` makes them."""
