"""Programs that attack their sandbox. Each also solves the task, so that only the sandbox keeps it from passing."""

from __future__ import annotations

from dataclasses import dataclass

SOLUTION = "def square(x):\n    return x * x\n"
TESTS = "assert square(3) == 9\nassert square(-4) == 16\n"
LOOSE_TESTS = (
    "assert all(map(lambda x: bool(square(x) == x * x), [3, -4]))",
    "assert math.isclose(square(0.5), 0.25)",
)


@dataclass(frozen=True)
class Hostile:
    """An attack, and how it may end.

    Attributes:
        code: Runs before the solution; {dir} is a folder of the host's, {pid} the process that runs the tests.
    """

    name: str
    code: str
    reasons: frozenset[str]


def _hostile(name: str, code: str, *reasons: str) -> Hostile:
    return Hostile(name, code, frozenset(reasons))


CALLS = """
import ctypes, os
IS_X86 = os.uname().machine == 'x86_64'
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    return libc.syscall(ctypes.c_long(number), *args)
def need(done):
    if done < 0:
        raise PermissionError(ctypes.get_errno(), "refused")
"""

ATTACKS = [
    # processes
    _hostile("fork bomb", "import os\nwhile True:\n    os.fork()", "forbidden"),
    _hostile("raw clone", CALLS + "need(call(56 if IS_X86 else 220, 17, 0, 0, 0, 0))",
             "forbidden"),
    _hostile("subprocess", "import subprocess\nsubprocess.run(['touch', '{dir}/made'])", "failed"),
    _hostile("os.system", "import os\nos.system('touch {dir}/made')", "forbidden"),
    _hostile("exec", "import os\nos.execv('/bin/sh', ['sh', '-c', 'touch {dir}/made'])", "forbidden"),
    _hostile("posix_spawn", "import os\nos.posix_spawn('/bin/sh', ['sh', '-c', 'touch {dir}/made'], {{}})",
             "forbidden"),
    _hostile("multiprocessing", "import multiprocessing as m\nm.get_context('fork').Process(target=print).start()",
             "failed"),
    _hostile("daemon", "import os\nos.setsid()", "forbidden"),
    _hostile(
        "thread bomb",
        "import threading, time\nthreading.stack_size(32768)\n"
        "while True:\n    threading.Thread(target=time.sleep, args=(60,)).start()",
        "failed", "memory", "killed",
    ),
    # other processes
    _hostile("kill the parent", "import os\nos.kill({pid}, 9)", "forbidden"),
    _hostile("kill the supervisor", "import os\nos.kill(os.getppid(), 9)", "forbidden"),
    _hostile("kill everyone", "import os\nos.kill(-1, 9)", "forbidden"),
    _hostile("kill the group", "import os\nos.killpg(0, 9)", "forbidden"),
    _hostile("pidfd", "import os\nos.pidfd_open({pid})", "forbidden"),
    _hostile("signal by fcntl", "import fcntl\nfcntl.fcntl(1, fcntl.F_SETOWN, {pid})", "forbidden"),
    _hostile("ptrace", CALLS + "libc.ptrace(16, {pid}, 0, 0)", "forbidden"),
    _hostile("limits of the parent", "import resource\nresource.prlimit({pid}, resource.RLIMIT_NOFILE, (1, 1))",
             "forbidden"),
    _hostile("memory of the tests", "import os\nopen(f'/proc/{{os.getppid()}}/mem', 'rb')", "forbidden"),
    # files
    _hostile("write", "open('{dir}/made', 'w').write('x')", "forbidden"),
    _hostile("append", "open('{dir}/kept', 'a').write('x')", "forbidden"),
    _hostile("disk filler", "import os\nf = os.open('{dir}/made', os.O_CREAT | os.O_WRONLY)\n"
             "while True:\n    os.write(f, b'x' * (1 << 20))", "forbidden"),
    _hostile("shm filler", "open('/dev/shm/stepwell-made', 'wb').write(b'x' * (1 << 24))", "forbidden"),
    _hostile("shared memory", "from multiprocessing import shared_memory as m\n"
             "m.SharedMemory('stepwell-made', True, 99)",
             "forbidden"),
    _hostile("delete", "import os\nos.unlink('{dir}/kept')", "forbidden"),
    _hostile("delete a tree", "import shutil\nshutil.rmtree('{dir}')", "forbidden"),
    _hostile("rename", "import os\nos.rename('{dir}/kept', '{dir}/made')", "forbidden"),
    _hostile("chmod", "import os\nos.chmod('{dir}/kept', 0o777)", "forbidden"),
    _hostile("truncate", "import os\nos.truncate('{dir}/kept', 0)", "forbidden"),
    _hostile("symlink", "import os\nos.symlink('/etc/passwd', '{dir}/made')", "forbidden"),
    _hostile("mkdir", "import os\nos.mkdir('{dir}/made')", "forbidden"),
    _hostile("fifo", "import os\nos.mkfifo('{dir}/made')", "forbidden"),
    _hostile("read a key", "open('{dir}/kept').read()", "forbidden"),
    _hostile("list a folder", "import os\nos.listdir('{dir}')", "forbidden"),
    _hostile("read an environment", "open('/proc/{pid}/environ').read()", "forbidden"),
    _hostile("read its own memory map", "open('/proc/self/maps').read()", "forbidden"),
    _hostile("read passwords", "open('/etc/shadow').read()", "forbidden"),
    # network
    _hostile("socket", "import socket\nsocket.create_connection(('127.0.0.1', 80), 1)", "forbidden"),
    _hostile("udp", "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
             "forbidden"),
    _hostile("unix socket", "import socket\nsocket.socket(socket.AF_UNIX).connect('/run/x')", "forbidden"),
    _hostile("url", "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9/')", "forbidden"),
    # the kernel
    _hostile("memfd", "import os\nos.memfd_create('x')", "forbidden"),
    _hostile("io_uring", CALLS + "need(call(425, 1, 0))", "forbidden"),
    _hostile("its own filter", CALLS + "need(call(317 if IS_X86 else 277, 0, 0, 0))",
             "forbidden"),
    _hostile("namespaces", CALLS + "need(libc.unshare(0x10000000))", "forbidden"),
    _hostile("root again", "import os\nos.setuid(0)", "forbidden"),
    _hostile("chroot", "import os\nos.chroot('{dir}')", "forbidden"),
    _hostile("more memory", "import resource as r\nr.setrlimit(r.RLIMIT_AS, (r.RLIM_INFINITY,) * 2)", "failed"),
    _hostile("higher limits", "import resource as r\nr.setrlimit(r.RLIMIT_CPU, (10**6, 10**6))", "failed"),
    # time and memory
    _hostile("endless loop", "while True:\n    pass", "timeout"),
    _hostile("endless loop that catches", "while True:\n    try:\n        while True:\n            pass\n"
             "    except BaseException:\n        pass", "timeout"),
    _hostile("sleep", "import time\ntime.sleep(3600)", "timeout"),
    _hostile("signals ignored", "import signal, time\nfor s in range(1, 65):\n    try:\n"
             "        signal.signal(s, signal.SIG_IGN)\n"
             "    except (OSError, ValueError):\n        pass\ntime.sleep(3600)", "timeout"),
    _hostile("busy regex", "import re\nre.match('(a+)+$', 'a' * 64 + 'b')", "timeout"),
    _hostile("big number", "x = 9 ** 9 ** 9", "timeout", "memory"),
    _hostile("wait for input", "import os\nos.read(3, 1)", "timeout", "failed", "exited", "killed"),
    _hostile("memory filler", "kept = []\nwhile True:\n    kept.append(bytearray(1 << 20))", "memory"),
    _hostile("memory at once", "x = bytearray(1 << 40)", "memory"),
    _hostile("mapped memory", "import mmap\nkept = [mmap.mmap(-1, 1 << 28) for _ in range(99)]", "failed", "memory"),
    _hostile("huge output", "while True:\n    print('x' * 65536)", "output"),
    _hostile("huge error output", "import sys\nwhile True:\n    sys.stderr.write('x' * 65536)", "output"),
    _hostile("deep recursion", "def f():\n    return f()\nf()", "failed"),
    _hostile("deepest recursion", "import sys\nsys.setrecursionlimit(10**9)\ndef f():\n    return [f()]\nf()",
             "memory", "killed", "timeout", "failed"),
    _hostile("crash", "import ctypes\nctypes.string_at(0)", "killed"),
    _hostile("abort", "import os\nos.abort()", "forbidden", "killed"),
    # claims to have passed
    _hostile("leave", "import os\nos._exit(0)", "exited"),
    _hostile("sys.exit", "import sys\nsys.exit(0)", "exited"),
    _hostile("raise SystemExit", "raise SystemExit", "exited"),
    _hostile("interrupt", "raise KeyboardInterrupt", "exited"),
    _hostile("print the word and leave", "import os\nprint('passed', flush=True)\nos._exit(0)", "exited"),
    _hostile("leave at exit", "import atexit, os\natexit.register(os._exit, 0)\nraise SystemExit", "exited"),
    _hostile("close all", "import os\nos.closerange(0, 64)", "killed", "exited", "failed"),
    _hostile("forge a result", "import os\nm = b'{{\"reason\":\"passed\"}}'\n"
             "for fd in range(3, 64):\n    try:\n        os.write(fd, len(m).to_bytes(4, 'little') + m)\n"
             "    except OSError:\n        pass\nos._exit(0)", "exited", "failed"),
]  # fmt: skip

# attacks on the judging, each with a wrong answer: what a program does to its own process can't make it right
CHEATS = {
    "equal to all": """
class Any:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 9
    def __bool__(self): return True
    def __sub__(self, other): return self
    def __abs__(self): return self
    def __lt__(self, other): return True
def square(x): return Any()
""",
    "an int equal to all": """
class Any(int):
    def __eq__(self, other): return True
    def __hash__(self): return 9
def square(x): return Any(1)
""",
    "patched builtins": """
import builtins
builtins.AssertionError = type('Quiet', (BaseException,), {})
builtins.exec = builtins.compile = lambda *a, **k: None
builtins.bool = builtins.abs = builtins.len = builtins.isinstance = lambda *a: True
def square(x): return 1
""",
    "patched runner": """
import sys
for name, module in list(sys.modules.items()):
    if name.startswith('inside'):
        for key in list(vars(module)):
            if callable(vars(module)[key]) and key in ('pack', '_compiled', 'send'):
                setattr(module, key, lambda *a, **k: None)
def square(x): return 1
""",
    "patched frames": """
import sys
def square(x):
    frame = sys._getframe()
    while frame is not None:
        for key in list(frame.f_locals):
            if key in ('result', 'reason', 'score', 'nonce'):
                frame.f_locals[key] = 'passed'
        frame = frame.f_back
    return 1
""",
    "offers more names than asked": """
import sys
def square(x): return 1
for name, module in list(sys.modules.items()):
    if name.endswith('program_side'):
        def do(self, name, values, named, do=module.Program._do):
            if name == 'names':
                return ['square', 'all', 'map', 'bool', 'math']
            return (lambda *a: True) if name == 'global' else do(self, name, values, named)
        module.Program._do = do
""",
    "ends the loop": """
def square(x): raise StopIteration
""",
    "module of its own": """
class math:
    isclose = staticmethod(lambda *a, **k: True)
def square(x): return 1
""",
    "shadowed check": """
def check(candidate): return True
def square(x): return 1
assert_ = lambda *a: True
""",
    "replaced tests": """
import gc
for thing in gc.get_objects():
    if isinstance(thing, dict) and 'tests' in thing:
        try: thing['tests'] = ''
        except Exception: pass
def square(x): return 1
""",
    "reads the expected values": """
import gc
def square(x):
    found = [t for t in gc.get_objects() if isinstance(t, (str, bytes)) and 'assert square' in str(t)]
    return 9 if found and x == 3 else 16 if found else 0
""",
    "leaves while tested": """
import os
def square(x): os._exit(0)
""",
    "exits while tested": """
def square(x): raise SystemExit(0)
""",
    "forges the reply": """
import json, os
def square(x):
    m = json.dumps({'value': True, 'changed': {}}).encode()
    for fd in range(3, 10):
        try: os.write(fd, len(m).to_bytes(4, 'little') + m)
        except OSError: pass
    return 1
""",
    "replies with nonsense": """
import os
def square(x):
    os.write(4, b'\\x05\\x00\\x00\\x00[[[[[')
    return 1
""",
    "replies without end": """
import os
def square(x):
    os.write(4, b'\\xff\\xff\\xff\\xff' + b'[' * 1000)
    return 1
""",
    "a deep reply": """
import os
def square(x):
    m = b'[' * 100000 + b']' * 100000
    os.write(4, len(m).to_bytes(4, 'little') + m)
    return 1
""",
    "returns nothing": "def square(x): return None\n",
    "passes": "def square(x): pass\n",
    "generates without end": """
def square(x):
    while True: yield 9
""",
}
