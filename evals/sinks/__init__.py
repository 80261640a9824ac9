"""Where a report may go beside a run's folder: trackers of experiments, each loaded when it is asked for."""
