"""Run programs that a model wrote, locked up, and score them by a row's tests.

Two processes a program, forked from one that only watches: one has the program, the other the tests. The tests call
the program's functions through a pipe and get plain values back, so nothing the program does to its own process
(leaving early, patching builtins, objects equal to all) can make them pass, and it never sees what they expect.

Both are locked up for good before they load anything: no new privileges, a list of allowed system calls (seccomp),
files for reading in Python's own folders only (Landlock; without it none at all), limits on memory, CPU, threads,
output; root becomes a user who owns nothing. It needs Linux on x86_64 or aarch64, and neither root nor containers
nor packages. What it doesn't hide: whether a path exists and how large a file is; how busy the machine is.

Why not a library: pyseccomp wants libseccomp.so of the system and has stood still since 2021, landlock on PyPI is a
pre-release; what is used of the kernel here is three calls. Why not a container: users have none in CI, or no right
to start one.
"""
