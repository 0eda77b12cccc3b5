"""What ``footfall import`` does: find sources, know them again, make rows, store each line once."""
