"""What a stack says of itself to commands: its parts, by the names that the settings have for them."""

import aws_cdk as cdk

from footfall.core.aws.outputs import output_of

__all__ = ["tell"]


def tell(stack: cdk.Stack, **settings: str) -> None:
    """Put settings of ``[aws]`` among the stack's outputs; raises KeyError for one that there is not."""
    for name, value in settings.items():
        cdk.CfnOutput(stack, output_of(name), value=value, description=f"The setting aws.{name}")
