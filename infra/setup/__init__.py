"""Functions that CloudFormation calls while it deploys; they run on Lambda's own Python alone."""
