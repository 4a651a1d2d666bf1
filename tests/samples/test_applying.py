"""The samples of docs/employers.md, run as they stand against the real system, as one employer and nobody else."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any
from uuid import uuid4

import pytest
from cradle.certification.v1 import applying_pb2
from cradle.certification.v1.applying_pb2_grpc import ApplicationServiceStub
from google.protobuf import json_format

from deploy.local.stack import Stack
from services.kit import rpc
from tests.certification.sheets import SME, best
from tests.certification.test_service import employer, known_employer

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "docs" / "samples"
GRPCURL = ROOT / "build" / "bin" / "grpcurl"
TIMEOUT_S = 90
MASK = re.compile(r'\{"paths": \[(.*?)\]\}')  # as grpcurl writes a mask; JSON's own way is "a,b"
CALL = re.compile(r"call (\w+) <<EOF\n(.*?)\nEOF", re.DOTALL)


def environment(stack: Stack, code: str) -> dict[str, str]:
    """What the employer's own machine has: nothing of ours, in particular not how the tests themselves are run."""
    own = employer(stack, code)
    return {
        "PATH": f"{GRPCURL.parent}:/usr/local/bin:/usr/bin:/bin",
        "CRADLE_CERTIFICATION_TARGET": stack.environment["CRADLE_CERTIFICATION_TARGET"],
        "CRADLE_PROTOSET": str(ROOT / "build" / "cradle.binpb"),
        "CRADLE_TLS_CERTIFICATE": str(own.certificate),
        "CRADLE_TLS_KEY": str(own.key),
        "CRADLE_TLS_AUTHORITIES": str(own.authorities),
    }


def ran(*command: str, env: Mapping[str, str]) -> str:
    done = subprocess.run(command, env=dict(env), capture_output=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def stated(folder: Path) -> str:
    """The answers of a good employer, as the sample reads them."""
    answers = {
        one.indicator: {name: [str(figure) for figure in figures] for name, figures in one.quantities}
        for one in best("", SME).answers
    }
    path = folder / "answers.json"
    path.write_text(json.dumps(answers), "utf-8")
    return str(path)


@pytest.mark.integration
def test_the_python_sample_applies(stack: Stack, tmp_path: Path) -> None:
    code = asyncio.run(known_employer(stack))
    script, about = str(SAMPLES / "python" / "apply.py"), (code, "200", "100", "C", stated(tmp_path), "--submit")
    command, env = [sys.executable, script, *about], environment(stack, code)

    printed = json.loads(ran(*command, env=env))

    assert printed["application"]["state"] == "APPLICATION_STATE_SUBMITTED"
    assert printed["foreseen"]["outcome"] == "DECISION_OUTCOME_AWARDED"
    again = subprocess.run(command, env=env, capture_output=True, timeout=TIMEOUT_S, check=False)
    assert (again.returncode, again.stderr) == (1, b"")
    refused = json.loads(again.stdout)
    assert refused["refused"] == "FAILED_PRECONDITION"
    assert [(one["code"], one["field"]) for one in refused["reasons"]] == [("APPLICATION_ALREADY_OPEN", "parent")]


@pytest.mark.integration
def test_the_session_of_grpcurl_is_answered_call_by_call(stack: Stack) -> None:
    """What the script sends, as grpcurl reads it, with the values that the script would have put in."""
    code = asyncio.run(known_employer(stack))
    session = CALL.findall((SAMPLES / "grpcurl" / "apply.sh").read_text("utf-8"))
    assert [method for method, _ in session] == [
        "CreateApplication",
        "UpdateApplication",
        "SubmitApplication",
        "WithdrawApplication",
    ]

    async def replay() -> dict[str, Any]:
        known: dict[str, str] = {}
        async with rpc.channel(stack.environment["CRADLE_CERTIFICATION_TARGET"], employer(stack, code)) as channel:
            for method, text in session:
                given = MASK.sub(lambda found: f'"{found[1].replace(chr(34), "").replace(" ", "")}"', text)
                words = given.replace("$(new_id)", str(uuid4())).replace("$1", code)
                request = getattr(applying_pb2, f"{method}Request")()
                json_format.Parse(Template(words).substitute(known), request)
                answer = await getattr(ApplicationServiceStub(channel), method)(request, timeout=10)
                said: dict[str, Any] = json_format.MessageToDict(answer)
                known |= {name: said[name] for name in ("name", "etag") if name in said}
        return said

    assert asyncio.run(replay())["state"] == "APPLICATION_STATE_WITHDRAWN"


@pytest.mark.samples
def test_grpcurl_applies(stack: Stack) -> None:
    assert GRPCURL.exists(), "make samples builds grpcurl, and needs Go for that"
    code = asyncio.run(known_employer(stack))

    said = ran("sh", str(SAMPLES / "grpcurl" / "apply.sh"), code, env=environment(stack, code))

    assert '"APPLICATION_STATE_WITHDRAWN"' in said
