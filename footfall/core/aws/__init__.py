"""What is true of footfall on AWS without asking AWS: sizes by profile, prices, and the bill they make."""
