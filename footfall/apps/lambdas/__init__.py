"""AWS Lambda functions, a file each: they name parts, and hand over to the core and the services.

Lambda traces each call by itself when tracing is on; Powertools' logger and metrics do the rest.
"""
