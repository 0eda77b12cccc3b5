"""What footfall does, on ports alone."""
