"""AWS on one machine, for tests and ``footfall aws emulate``: emulated, and never the proof of AWS itself.

What stands in for what: ``servers`` starts kinesis-local, moto, DynamoDB Local and a real OpenSearch node;
``runtime_api`` and ``function`` run handlers under AWS's own runtime client; ``http_api`` is the
API before them, ``event_source`` what reads Kinesis for them, ``delivery_stream`` is Firehose.
``installation``, ``workflow`` and ``log_path`` put them together in an ``account``; ``emulation`` runs all
three beside the embedded path. What each lies about: docs/reference/aws-emulated.md.
"""
