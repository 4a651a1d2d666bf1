"""The core that decides claims, compiled to C by mypyc: in the wheel that ships, and in build/compiled for tests and
measuring.

    python -m tools.compiled          the wheel, compiled, unpacked into build/compiled
    python -m tools.compiled able     whether this machine can: says what is missing, if anything

The source is the same, and so is what it does. Hatchling calls `Compiled` for every wheel (pyproject.toml): without a
compiler that is plain Python, which says so and is slower. The clone itself, installed to be edited, is never compiled.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT: Final = Path(__file__).resolve().parent.parent
TARGET: Final = ROOT / "build" / "compiled"
_MADE_OF: Final = TARGET / ".made-of"
_WORK: Final = ROOT / "build" / "mypyc"  # types, C and objects, kept for the next build

# What a claim goes through between two waits; what waits gains nothing. Left out, for mypyc does not take it as it is:
# kit/messages (a value may be named like a positional argument), wire/facts (pydantic), usecases/office (a type that
# only stubs know).
MODULES: Final = (
    "services/kit/cloudevents.py",
    "services/kit/ids.py",
    "services/kit/money.py",
    "services/kit/dates.py",
    "services/kit/identifiers.py",
    "services/kit/orders.py",
    "services/kit/trace.py",
    "services/kit/placing.py",
    "services/kit/law/compiled.py",
    "services/kit/law/content.py",
    "services/kit/law/model.py",
    "services/kit/law/values.py",
    "services/claims/model/*.py",
    "services/claims/rules/*.py",
    "services/claims/wire/content.py",
    "services/claims/wire/intake.py",
    "services/claims/wire/out.py",
    "services/claims/wire/plain.py",
    "services/claims/wire/registry.py",
    "services/claims/wire/treasury.py",
    "services/claims/usecases/batch.py",
    "services/claims/usecases/ordering.py",
    "services/claims/usecases/settling.py",
    "services/claims/usecases/telling.py",
)


def missing() -> list[str]:
    """What keeps this machine from compiling."""
    headers = Path(sysconfig.get_path("include")) / "Python.h"
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    return [
        *([] if shutil.which(compiler) else [f"a C compiler ({compiler}; Debian: apt-get install gcc)"]),
        *([] if headers.exists() else [f"{headers} (Debian: apt-get install python3-dev)"]),
        *[f"{name} in this environment" for name in ("mypyc", "setuptools") if find_spec(name) is None],
    ]


def compile_core() -> list[Path]:
    """The modules as shared libraries, below the folder that is answered first."""
    from mypyc.build import mypycify  # noqa: PLC0415  # an environment that only unpacks has neither
    from setuptools import Distribution  # noqa: PLC0415

    files = sorted({str(path.relative_to(ROOT)) for pattern in MODULES for path in ROOT.glob(pattern)})
    cache, config = str(_WORK / "cache"), str(ROOT / "pyproject.toml")
    extensions = mypycify(
        ["--config-file", config, "--cache-dir", cache, *files],
        opt_level="2",
        debug_level="0",
        target_dir=str(_WORK / "c"),
        group_name="cradle",
    )
    build = Distribution({"name": "cradle", "ext_modules": extensions}).get_command_obj("build_ext")
    build.build_lib, build.build_temp = str(_WORK / "lib"), str(_WORK / "objects")
    build.ensure_finalized()
    build.run()
    return [Path(output) for output in build.get_outputs()]


class Compiled(BuildHookInterface[BuilderConfig]):
    """Puts the compiled modules beside their source into the wheel, where Python takes them first."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        if lacking := missing():
            self.app.display_warning(f"the wheel is plain Python, and slower; to compile it lacks {', '.join(lacking)}")
            return
        libraries = compile_core()
        build_data["pure_python"], build_data["infer_tag"] = False, True
        build_data["force_include"] |= {str(one): str(one.relative_to(_WORK / "lib")) for one in libraries}


def digest() -> str:
    """Of all that goes into the wheel, and of what makes it: with another, build/compiled is out of date."""
    folders = (ROOT / "services", ROOT / "protos" / "gen")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    made = hashlib.sha256(sys.version.encode())
    for path in [*sorted(files), ROOT / "pyproject.toml", ROOT / "requirements.lock", Path(__file__)]:
        made.update(str(path).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return made.hexdigest()


def main(argv: list[str]) -> int:
    if lacking := missing():
        sys.stderr.write(f"Cannot compile: this machine lacks {', '.join(lacking)}.\n")
        return 1
    now = digest()
    if argv == ["able"] or (_MADE_OF.exists() and _MADE_OF.read_text() == now):
        return 0
    shutil.rmtree(TARGET, ignore_errors=True)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run([*install, "--target", str(TARGET), str(ROOT)], check=False)
    if done.returncode == 0:
        _MADE_OF.write_text(now)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
