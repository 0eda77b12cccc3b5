"""Pure: bytes and Arrow in, values out. No I/O, no clock, no chance of its own."""
