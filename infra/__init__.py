"""footfall on AWS as a CDK app: what is built, from which parts. Sizes stand in core/aws/profiles.py."""
