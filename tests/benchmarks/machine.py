"""What a figure was measured on, in two lines: without that it says nothing."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("actorsched", "pykka", "pyzmq", "msgspec", "luigi", "distributed", "grpcio", "doit")


def describe() -> str:
    """Processors, load, memory, system, and versions of what is compared."""
    load = os.getloadavg()[0]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{cores} cores ({_model()}), load {load:.1f} at the start, {_memory_gb()} GB, {platform.system()}\n"
        f"Python {sys.version.split()[0]}; {', '.join(f'{name} {_version(name)}' for name in PACKAGES)}"
    )


def scratch() -> str:
    """A folder on a file system in memory, where there is one: disks are not what is compared."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else ""


def rss_bytes() -> int:
    """Memory that this process occupies now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_gb() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
