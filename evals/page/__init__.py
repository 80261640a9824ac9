"""A run as one self-contained HTML page that opens offline."""
