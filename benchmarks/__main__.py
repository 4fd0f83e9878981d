"""All of docs/performance.md, measured anew and written.

    python benchmarks

About a quarter of an hour on two free cores; options are those all of the scripts have.
Run it on a machine that does nothing else: the page says how busy it was.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPTS = ("sweep.py", "cycling.py", "scaling.py")

options = sys.argv[1:]
if "--quick" not in options:
    options.append("--write")
for script in SCRIPTS:
    path = Path(__file__).with_name(script)
    subprocess.run([sys.executable, path, *options], check=True)
