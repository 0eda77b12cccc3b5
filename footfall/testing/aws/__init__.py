"""AWS on one machine, for tests and ``footfall aws emulate``: emulated, and never the proof of AWS itself.

What stands in for what: ``servers`` starts kinesis-local, moto and a real OpenSearch node;
``runtime_api`` and ``function`` run handlers under AWS's own runtime client; ``http_api`` is the
API before them, ``event_source`` what reads Kinesis for them, ``delivery_stream`` is Firehose.
"""
