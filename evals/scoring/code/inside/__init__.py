"""What runs in the sandbox's own processes: the standard library alone, no import from Stepwell.

Imports are relative, since these files are found by their folder there, not as part of Stepwell.
"""

MOST_PATIENCE = 4  # times a program's time limit, however busy the machine is
