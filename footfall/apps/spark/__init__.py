"""The pipeline on Spark: the same core over Arrow batches, on as many machines as there are."""
