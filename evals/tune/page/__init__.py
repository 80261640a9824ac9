"""The report of a tuning as one self-contained HTML page."""
