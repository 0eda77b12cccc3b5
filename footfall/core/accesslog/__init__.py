"""One file per access-log format."""
