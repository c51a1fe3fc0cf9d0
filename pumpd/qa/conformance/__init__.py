"""The conformance suite: what every driver must show against the simulator of its own dialect."""
