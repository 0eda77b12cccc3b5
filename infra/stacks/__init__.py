"""One file a stack, in the order in which they are deployed: see ``infra.app``."""
