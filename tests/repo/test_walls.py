"""What may stand where: the environment, consuming loops, SQL, sizes, and nothing of anybody's own machine."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ROOT / "services"
KIT = SERVICES / "kit"
LINES_MAX = 500
SOURCES = sorted(path for path in SERVICES.rglob("*.py"))


@cache
def tracked() -> tuple[Path, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=30).stdout
    return tuple(ROOT / name for name in listed.decode().split("\0") if name and (ROOT / name).is_file())


def shown(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def containing(pattern: str, allowed: set[Path]) -> list[str]:
    """Sources outside the allowed ones in which the pattern stands."""
    found = re.compile(pattern)
    return shown([path for path in SOURCES if path not in allowed and found.search(path.read_text("utf-8"))])


def texts(path: Path) -> list[str]:
    """Every string of a module that is no docstring, those put together included."""
    tree = ast.parse(path.read_text("utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings]
    return [node.value for node in constants if isinstance(node.value, str)]


def test_the_environment_is_read_in_one_place() -> None:
    assert containing(r"\bos\.environ|\bgetenv\b|from os import", {KIT / "settings.py"}) == []


def test_who_asks_is_learnt_in_one_place() -> None:
    """Whatever a caller says of himself in metadata is no identity: servicers ask `auth.current()`."""
    assert containing(r"invocation_metadata|auth_context|peer_identit", {KIT / "rpc.py"}) == []


def test_nobody_speaks_grpc_in_plain_text() -> None:
    assert containing(r"insecure_channel|add_insecure_port", set()) == []


def test_streams_are_consumed_in_one_place() -> None:
    cli = set((SERVICES / "cli").rglob("*.py"))

    looking_on = KIT / "tail.py"  # it hands over what it reads and has no effect, so it has no offset to keep
    assert containing(r"\bAIOKafkaConsumer\(", {KIT / "inbox.py", looking_on, *cli}) == []


def test_the_clock_is_read_in_one_place() -> None:
    assert containing(r"\b(datetime\.now|date\.today|time\.time)\(", clock_readers()) == []


def clock_readers() -> set[Path]:
    """The clock, and those who measure how long something took or lay; they decide nothing by it."""
    return {KIT / "clock.py", KIT / "inbox.py", KIT / "relay.py", *(SERVICES / "cli").rglob("*.py")}


def test_sql_stands_in_stores_and_in_the_kit_only() -> None:
    sql = re.compile(r"\b(SELECT\s|INSERT INTO\s|UPDATE\s+\w+\s+SET\b|DELETE FROM\s|TRUNCATE\s)")
    stores = {path for path in SOURCES if path.name == "store.py" or "store" in path.parts}

    outside = [path for path in SOURCES if path not in stores and KIT not in path.parents]
    assert shown([path for path in outside if any(sql.search(text) for text in texts(path))]) == []


def test_everything_is_caught_only_where_failures_are_told_apart() -> None:
    """`except Exception` belongs where the kinds of failure are told apart."""
    allowed = {
        *(KIT / f"{name}.py" for name in ("inbox", "replay", "rpc", "run", "timer", "waiting")),
        SERVICES / "cli" / "main.py",
        SERVICES / "certification" / "api" / "public.py",  # to HTTP what rpc is to gRPC
    }

    assert containing(r"except (Base)?Exception\b|except:", allowed) == []


def test_the_rules_know_no_clock_and_no_chance() -> None:
    pure = [path for path in SOURCES if path.name in {"model.py", "rules.py"} or "rules" in path.parts]

    forbidden = re.compile(
        r"\b(uuid4|uuid7|new_id|random|async|await|asyncpg|aiokafka|grpc|datetime\.now|date\.today)\b"
    )
    assert len(pure) >= 4
    assert shown([path for path in pure if forbidden.search(path.read_text("utf-8"))]) == []


def test_no_float_touches_money() -> None:
    floating = re.compile(r"\bround\(|\bfloat\(")
    pure = [
        path for path in SOURCES if path.name in {"model.py", "rules.py", "money.py", "law.py"} or "rules" in path.parts
    ]

    assert shown([path for path in pure if floating.search(path.read_text("utf-8"))]) == []


def test_no_file_of_the_services_is_longer_than_anybody_reads() -> None:
    files = [path for path in SERVICES.rglob("*") if path.is_file() and path.suffix in {".py", ".yaml", ".sql"}]

    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in files}
    assert {name: length for name, length in lengths.items() if length > LINES_MAX} == {}


# --- what is anybody's own -------------------------------------------------------------------------------------

# Put together here, so that this file does not name them either.
NAMED_NOWHERE = {
    "an absolute path of a machine": [rb"/" + word + rb"/" for word in (b"work", b"root", b"Users", rb"home/\w+")],
    "a registry's host": [
        rb"pypi" + rb"\.org",
        rb"files\.python" + rb"hosted",
        rb"repo\.maven\." + rb"apache",
        rb"repo1\." + rb"maven",
        rb"registry\.npm" + rb"js",
        rb"proxy\.go" + rb"lang",
    ],
    "whoever wrote it": [rb"[Cc]lau" + rb"de", rb"[Aa]nth" + rb"ropic", rb"\bAI" + rb" (session|assistant|agent)"],
}


@pytest.mark.parametrize("patterns", NAMED_NOWHERE.values(), ids=NAMED_NOWHERE.keys())
def test_no_file_in_git_names(patterns: list[bytes]) -> None:
    named = re.compile(b"|".join(patterns))

    found = [path for path in tracked() if named.search(path.read_bytes())]

    assert len(tracked()) > 50
    assert shown(found) == []


def test_the_lock_names_no_host_and_hashes_everything() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")

    pins = re.findall(r"^([A-Za-z0-9._-]+)==\S+", lock, re.MULTILINE)
    assert "://" not in lock
    assert "index-url" not in lock
    assert len(pins) > 50
    assert len(re.findall(r"^[A-Za-z0-9._\[\]-]+==\S+( ;.*)? \\\n\s+--hash=sha256:", lock, re.MULTILINE)) == len(pins)


def test_no_secret_is_in_git() -> None:
    secret = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}|ghp_[0-9A-Za-z]{36}")

    assert shown([path for path in tracked() if secret.search(path.read_bytes())]) == []
