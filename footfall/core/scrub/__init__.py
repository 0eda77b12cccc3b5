"""Personal data is masked here, before anything is written."""
