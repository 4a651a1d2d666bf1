"""Apache Kafka in one Java process: its jars by Maven, its settings, its topics."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from aiokafka.protocol.admin import CreateAclsRequest

from deploy import acls
from deploy.local import authority, layout
from deploy.local.errors import StackError
from deploy.local.roles import is_listening
from services.kit.tls import Identity

ROOT = Path(__file__).parents[2]
_POM = Path(__file__).with_name("pom.xml")
_BUILD = ROOT / "build" / "kafka"
_LIBS = _BUILD / "libs"
_FETCHED = _BUILD / "pom.sha256"  # the digest of the pom whose jars are in libs
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_JAVA_MIN = 17
_LEADERS_TIMEOUT_S = 30.0
_DAY_MS = 86_400_000
_QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")  # half the work before it answers, less pace after it

_HELP = """{problem}.
The local stack runs Apache Kafka, which needs Java {java_min} or newer to run and Maven to fetch it once. Either
  - install them:          apt-get install openjdk-17-jre-headless maven
  - name your own broker:  export KAFKA_BOOTSTRAP_SERVERS=host:port  (then no Java and no Maven is needed)"""

_LOG4J = """status = warn
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %-5p %m (%c{1})%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    partitions: int
    retention_days: int
    personal_data: bool


def java() -> str:
    """The path of a Java that is new enough, or what to do about there being none."""
    home = os.environ.get("JAVA_HOME")
    path = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if path is None:
        raise _help("Java was not found")
    told = subprocess.run([path, "-version"], capture_output=True, text=True, timeout=60, check=False).stderr
    version = re.search(r'version "(?:1\.)?(\d+)', told)
    if version is None or int(version[1]) < _JAVA_MIN:
        raise _help(f"Java {version[1] if version else 'of an unknown version'} is too old")
    return path


def fetch() -> bool:
    """Bring Kafka's jars into build/kafka/libs. Asks nobody when they are there; answers whether it had to."""
    if os.environ.get("KAFKA_BOOTSTRAP_SERVERS") and not os.environ.get("CRADLE_STACK"):
        return False  # a broker of one's own needs neither Java nor Maven
    digest = hashlib.sha256(_POM.read_bytes()).hexdigest()
    java()
    if _FETCHED.exists() and _FETCHED.read_text() == digest:
        return False
    maven = shutil.which("mvn")
    if maven is None:
        raise _help("Maven was not found")
    fresh = _BUILD / f"libs.{os.getpid()}"
    command = [maven, "-q", "-B", "-ntp", "-f", str(_POM), _COPY, f"-DoutputDirectory={fresh}"]
    command.append("-DincludeScope=runtime")
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        shutil.rmtree(fresh, ignore_errors=True)
        raise _help(f"Maven could not fetch Kafka: {(done.stdout + done.stderr).strip()}")
    shutil.rmtree(_LIBS, ignore_errors=True)
    fresh.rename(_LIBS)
    _FETCHED.write_text(digest)
    return True


def version() -> str:
    """The version of the Kafka that was fetched."""
    return next(_LIBS.glob("kafka_2*.jar")).stem.rsplit("-", 1)[1]


def write_settings(folder: Path, port: int, controller_port: int, own: Identity | None = None) -> Path:
    """Write server.properties: one node that is broker and controller, for one machine and quick tests. With a
    certificate of its own it speaks TLS only, asks its clients for theirs, and keeps to the access lists.
    """
    spoken = "PLAINTEXT" if own is None else "SSL"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log4j2.properties").write_text(_LOG4J)
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"CLIENTS://127.0.0.1:{port}",
        "inter.broker.listener.name": "CLIENTS",
        "listener.security.protocol.map": f"CLIENTS:{spoken},CONTROLLER:{spoken}",
        "log.dirs": str(folder / "data"),
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",  # crash tests need not wait six seconds for a takeover
        "broker.heartbeat.interval.ms": "500",
        "broker.session.timeout.ms": "3000",  # a killed broker is let back in after this
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "5",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "5",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "log.cleaner.dedupe.buffer.size": str(16 * 2**20),  # of a small heap
        **({} if own is None else _protected(folder, own)),
    }
    path = folder / "server.properties"
    path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    return path


def _protected(folder: Path, own: Identity) -> dict[str, str]:
    store = folder / "identity.pem"  # Kafka wants both in one file
    layout.write_private_text(store, own.key.read_text() + own.certificate.read_text())
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(store),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(own.authorities),
        "ssl.client.auth": "required",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": f"{acls.user(authority.BROKER)};{acls.user(authority.OPERATOR)}",
    }


def server_argv(folder: Path) -> tuple[str, ...]:
    quick = _QUICK_START if layout.is_passing() else ()
    return _argv(folder, *quick, "-Xms256m", "-Xmx512m", "kafka.Kafka", str(folder / "server.properties"))


def format_argv(folder: Path) -> tuple[str, ...]:
    """Lays out an empty data folder, as `kafka-storage.sh format` does."""
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    properties = str(folder / "server.properties")
    tool = ("kafka.tools.StorageTool", "format", "--cluster-id", f"c{cluster[1:]}", "--config", properties)
    return _argv(folder, *_QUICK_START, *tool)


def is_formatted(folder: Path) -> bool:
    return (folder / "data" / "meta.properties").exists()


def _argv(folder: Path, *rest: str) -> tuple[str, ...]:
    log4j = f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}"
    return (java(), "-cp", f"{_LIBS}/*", log4j, "-Djava.awt.headless=true", *rest)


def declared() -> tuple[list[str], list[Topic]]:
    """The sources and the topics of deploy/topics.yaml, one topic per source or office where its name says so."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "topics.yaml").read_text())
    sources: list[str] = document["sources"]
    topics = [
        Topic(name, entry["partitions"], entry["retention_days"], entry["personal_data"])
        for entry in document["topics"]
        for name in _names(entry["name"], {"<source>": sources, "<office>": document["offices"]})
    ]
    return sources, topics


def _names(name: str, stand_for: Mapping[str, Sequence[str]]) -> list[str]:
    word = next((word for word in stand_for if word in name), None)
    return [name] if word is None else [name.replace(word, one) for one in stand_for[word]]


async def create_topics(client: Mapping[str, Any], topics: Sequence[Topic]) -> None:
    """Create the topics that are not there yet, with as many replicas as the broker's own default."""
    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        wanted = [NewTopic(t.name, t.partitions, 1, topic_configs=_topic_config(t)) for t in topics]
        answer = await admin.create_topics(wanted)
        for name, code, *_ in answer.topic_errors:
            if code not in (0, TopicAlreadyExistsError.errno):
                raise StackError(f"topic {name} was not created: {for_code(code).__name__}")
        await _wait_leaders(admin, [topic.name for topic in topics])
    finally:
        await admin.close()


async def create_acls(client: Mapping[str, Any], wanted: Sequence[acls.Acl]) -> None:
    """Have the broker keep to these; those that it has already stay."""
    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        for acl in wanted:
            answer = await admin._send_to_controller(CreateAclsRequest(*acl.creation()))
            code = answer.creation_responses[0][0]
            if code:
                raise StackError(f"the access list {acl} was not created: {for_code(code).__name__}")
    finally:
        await admin.close()


async def _wait_leaders(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    """A topic is answered as created a moment before clients find it, and after a crash its leaders come back late."""
    deadline_s = time.monotonic() + _LEADERS_TIMEOUT_S
    while True:
        found = await admin.describe_topics(names)
        missing = [topic["topic"] for topic in found if topic["error_code"] or not _has_leaders(topic)]
        if not missing:
            return
        if time.monotonic() > deadline_s:
            raise StackError(f"topics without a leader: {', '.join(missing)}")
        await asyncio.sleep(0.05)


def _has_leaders(topic: dict[str, Any]) -> bool:
    return all(partition["leader"] >= 0 and not partition["error_code"] for partition in topic["partitions"])


async def wait_ready(client: Mapping[str, Any], deadline_s: float) -> None:
    """Return when the broker answers, or raise at the deadline (of `time.monotonic`)."""
    while not await _answers(client):
        if time.monotonic() > deadline_s:
            raise StackError(f"Kafka at {client['bootstrap_servers']} did not answer in time")
        await asyncio.sleep(0.1)


async def _answers(client: Mapping[str, Any]) -> bool:
    # The client logs an error at every refused connection, so it is not asked before somebody listens.
    if not any(is_listening(address) for address in client["bootstrap_servers"].split(",")):
        return False
    admin = AIOKafkaAdminClient(**client, request_timeout_ms=5_000)
    try:
        await admin.start()
        await admin.describe_cluster()
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
    return True


def _topic_config(topic: Topic) -> dict[str, str]:
    return {"retention.ms": str(topic.retention_days * _DAY_MS)}


def _help(problem: str) -> StackError:
    return StackError(_HELP.format(problem=problem, java_min=_JAVA_MIN))
