"""Another product's daily numbers beside ours: its exports read into one shape, differences explained.

What asks the warehouse for our side is in ``services.compare``.
"""
