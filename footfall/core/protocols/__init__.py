"""The wire formats of other products' trackers: one file each, one row each in the registry."""
