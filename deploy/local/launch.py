"""Becomes another program that cannot outlive its supervisor: `launch.py PARENT SIGNAL UID GID program arguments...`.

A program of its own, and not `Popen(preexec_fn=...)`, because that runs Python between fork and exec, which can
deadlock in a process with threads. The change of user comes first: the kernel forgets the death signal with it.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, death_signal: int, uid: int, gid: int, argv: list[str]) -> None:
    """Change user if told to, tie this process to its parent, and become `argv`."""
    if uid != os.geteuid():
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":  # elsewhere a stack left behind is swept when one of its name next starts
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:  # the supervisor died before the signal was set
        sys.exit(1)
    os.execv(argv[0], argv)  # noqa: S606


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
