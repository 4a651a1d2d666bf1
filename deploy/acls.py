"""Kafka's access lists, made from deploy/topics.yaml: `python -m deploy.acls` prints them for `kafka-acls.sh`.

A client is known by its certificate's subject, `CN=<name>,OU=<kind>`. A topic is written and read as its name says:

| topic | written by | read by |
|---|---|---|
| `<owner>.<...>intake.v1.<partner>` | that partner; its owner, for who hands in over gRPC | its owner |
| `<owner>.<...>.v1.<partner>` | its owner | that partner; its owner, which answers who handed in |
| any other | its owner, and who stands in `writers` | its owner, and who stands in `readers` |

A partner is a `<source>`, as listed under `sources`, or an `<office>`, under `offices`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import yaml

_TOPICS: Final = Path(__file__).with_name("topics.yaml")
_PARTNER: Final = re.compile(r"\.<([a-z]+)>$")
_ALLOW: Final = 3


class Resource(IntEnum):
    """As Kafka's protocol numbers them."""

    TOPIC = 2
    GROUP = 3


class Pattern(IntEnum):
    LITERAL = 3
    PREFIXED = 4


class Operation(IntEnum):
    READ = 3
    WRITE = 4
    DESCRIBE = 8


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """One thing that one client may; there are no others, and none that forbids."""

    system: str  # kind/name, as in its certificate
    operation: Operation
    resource: Resource
    name: str
    pattern: Pattern = Pattern.LITERAL

    def creation(self) -> tuple[int, str, int, str, str, int, int]:
        """As CreateAcls takes it; from any host."""
        return (self.resource, self.name, self.pattern, user(self.system), "*", self.operation, _ALLOW)

    def __str__(self) -> str:
        where = f"--{self.resource.name.lower()} {self.name} --resource-pattern-type {self.pattern.name.lower()}"
        return f"--add --allow-principal {user(self.system)} --operation {self.operation.name.title()} {where}"


def user(system: str) -> str:
    """The name under which Kafka knows the certificate of a system."""
    kind, name = system.split("/")
    return f"User:CN={name},OU={kind}"


def declared() -> list[Acl]:
    """Everything that deploy/topics.yaml lets anybody do."""
    return made(yaml.safe_load(_TOPICS.read_text("utf-8")))


def made(document: Mapping[str, Any]) -> list[Acl]:
    found = [acl for topic in document["topics"] for acl in _of_topic(topic, document)]
    return sorted({*found, *(group for acl in found for group in _groups(acl.system))})


def _of_topic(topic: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Acl]:
    owner, partner = f"service/{topic['owner']}", _PARTNER.search(topic["name"])
    if partner is None:
        yield from _lines(topic["name"], {owner, *topic.get("writers", [])}, {owner, *topic.get("readers", [])})
        return
    comes_in = topic["name"].split(".")[1].endswith("intake")
    for one in document[f"{partner[1]}s"]:
        name, other = topic["name"].replace(partner[0], f".{one}"), {f"{partner[1]}/{one}"}
        yield from _lines(name, {owner} | (other if comes_in else set()), {owner} | (set() if comes_in else other))


def _lines(name: str, writers: set[str], readers: set[str]) -> Iterator[Acl]:
    for system in writers:
        yield Acl(system, Operation.WRITE, Resource.TOPIC, name)
    for system in readers:
        yield Acl(system, Operation.READ, Resource.TOPIC, name)
    for system in writers | readers:
        yield Acl(system, Operation.DESCRIBE, Resource.TOPIC, name)


def _groups(system: str) -> Iterator[Acl]:
    """A service consumes as `<name>` or `<name>.<...>`, everybody else as `<kind>.<name>` or `<kind>.<name>.<...>`."""
    kind, name = system.split("/")
    own = name if kind == "service" else f"{kind}.{name}"
    yield Acl(system, Operation.READ, Resource.GROUP, own)
    yield Acl(system, Operation.READ, Resource.GROUP, f"{own}.", Pattern.PREFIXED)


def main() -> None:
    print("\n".join(map(str, declared())))


if __name__ == "__main__":
    main()
