"""How long a certificate takes to print: `python -m tests.bench.paper [certificates]`, as JSON.

Each is another certificate with another code, on a press that is open, as a process prints them. `pdf_ms` is the median
of the clock; `pdf_cpu_ms` that of the processor, which a busy machine leaves alone.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from dataclasses import replace

from services.certification.credential import address
from services.certification.paper import press_of
from tests.certification.paper import FONTS, ISSUED, KEYS, URL


def measure(certificates: int) -> dict[str, float]:
    press = press_of(FONTS)
    clock_s, cpu_s = [], []
    for serial in range(certificates):
        issued = replace(ISSUED, number=f"BJ-FFE-2026-{serial:06d}", employer=f"{ISSUED.employer}{serial}")
        code = address(issued.number, URL, KEYS)
        began = time.perf_counter(), time.process_time()
        press.pdf(issued, code)
        clock_s.append(time.perf_counter() - began[0])
        cpu_s.append(time.process_time() - began[1])
    return {
        "pdf_ms": round(statistics.median(clock_s) * 1000, 1),
        "pdf_least_ms": round(min(clock_s) * 1000, 1),
        "pdf_cpu_ms": round(statistics.median(cpu_s) * 1000, 1),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100)) + "\n")
