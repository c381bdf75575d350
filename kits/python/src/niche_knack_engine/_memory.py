"""The memory of this process and of the machine, in bytes; 0 where the system does not say."""

from __future__ import annotations

import os
import sys
from typing import Dict


def memory() -> Dict[str, int]:
    try:
        return {"used": _used(), "total": _total()}
    except (OSError, ValueError, AttributeError):
        return {"used": 0, "total": 0}


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    class _Process(ctypes.Structure):
        _fields_ = [("cb", wintypes.DWORD), ("faults", wintypes.DWORD), ("peak", ctypes.c_size_t)] + [
            (name, ctypes.c_size_t) for name in ("used", "a", "b", "c", "d", "e", "f")
        ]

    class _Machine(ctypes.Structure):
        _fields_ = [("length", wintypes.DWORD), ("load", wintypes.DWORD)] + [
            (name, ctypes.c_uint64) for name in ("total", "a", "b", "c", "d", "e", "f")
        ]

    def _used() -> int:
        counters = _Process(cb=ctypes.sizeof(_Process))
        kernel = ctypes.WinDLL("kernel32")
        kernel.GetCurrentProcess.restype = wintypes.HANDLE
        asked = kernel.K32GetProcessMemoryInfo
        asked.argtypes = [wintypes.HANDLE, ctypes.POINTER(_Process), wintypes.DWORD]
        return int(counters.used) if asked(kernel.GetCurrentProcess(), ctypes.byref(counters), counters.cb) else 0

    def _total() -> int:
        status = _Machine(length=ctypes.sizeof(_Machine))
        asked = ctypes.WinDLL("kernel32").GlobalMemoryStatusEx
        return int(status.total) if asked(ctypes.byref(status)) else 0

else:
    import resource

    def _used() -> int:
        if sys.platform == "linux":
            with open("/proc/self/statm", "rb") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        # The highest it has been: macOS tells a process no more without its own C interface. Bytes there.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    def _total() -> int:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
