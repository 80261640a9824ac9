"""What a request leaves behind: one record, to metrics, log and sinks. No text, no keys."""
