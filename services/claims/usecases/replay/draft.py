"""What a draft law would change: the latest determination of each claim decided under it, line beside line."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

import orjson

from services.claims.model import Determination, Line, LineKind, State
from services.claims.rules import FactMissing, decide
from services.claims.rules.history import REVISIONS
from services.kit.law import Law, NotInForce, Unset

ALL: Final = ""  # the group of everything; others are `county/610302` and `kind/STAY`
_WAITS: Final = "PARAMETER_UNSET"


class Tally(NamedTuple):
    """Of one group. `before_fen`, `after_fen`: what is decided on both sides; what waits is told beside it."""

    determinations: int = 0
    changed: int = 0
    better: int = 0
    worse: int = 0
    outcome: int = 0
    before_fen: int = 0
    after_fen: int = 0
    waiting: int = 0
    waiting_fen: int = 0
    undecided: int = 0
    undecided_fen: int = 0

    def plus(self, other: Iterable[int]) -> Tally:
        return Tally(*[mine + theirs for mine, theirs in zip(self, other, strict=True)])


class Side(NamedTuple):
    """A line as it is compared."""

    outcome: str
    amount_fen: int
    reasons: tuple[str, ...]


_NO_LINE: Final = Side("", 0, ())
Sides = dict[tuple[str, int], Side]


class Chunk:
    """What a chunk of determinations comes to, and those that changed."""

    def __init__(self, draft: Law, laws: Mapping[str, Law | str]) -> None:
        self.draft = draft
        self.laws = laws
        self.tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self.people: list[tuple[str, str, dict[str, int], bool]] = []  # person, county, fen by kind, outcome changed
        self.unset: Counter[str] = Counter()
        self.cases: list[dict[str, Any]] = []

    def take(self, row: Any) -> None:
        """Decide one determination under the draft and count what became of it."""
        kept = REVISIONS[row["rules_revision"]]
        facts, stored = kept.lift_facts(orjson.loads(row["facts"])), kept.lift_result(orjson.loads(row["result"]))
        before = _sides(stored)
        try:
            decided = decide(facts, self.draft)
        except FactMissing as error:
            self._undecided(row, stored, before, "FACT_MISSING", error.path)
            return
        except (Unset, NotInForce) as error:
            self._undecided(row, stored, before, _WAITS, error.name)
            return
        after = _sides(decided)
        groups = (ALL, f"county/{row['county']}")
        waiting = {key for key, side in after.items() if _waits(side) and not _waits(before.get(key, _NO_LINE))}
        by_kind: Counter[str] = Counter()
        changed = bool(waiting)
        for key in before.keys() | after.keys():
            if key not in waiting:
                old, new = before.get(key, _NO_LINE), after.get(key, _NO_LINE)
                changed |= self._line(key[0], groups, old, new)
                by_kind[key[0]] += new.amount_fen - old.amount_fen
        for key in waiting:
            self._waiting(key[0], groups, before.get(key, _NO_LINE))
        changed |= stored.outcome is not decided.outcome
        money, outcome = sum(by_kind.values()), not waiting and stored.outcome is not decided.outcome
        for group in groups:
            self._add(
                group,
                determinations=1,
                changed=changed,
                better=not waiting and money > 0,
                worse=not waiting and money < 0,
                outcome=outcome,
                waiting=bool(waiting),
            )
        if not changed:
            return
        if not waiting:
            told = {kind: fen for kind, fen in by_kind.items() if fen}
            self.people.append((str(row["person"] or row["claim_id"]), row["county"], told, outcome))
        self.unset.update({name for line in decided.lines for name in _unset(line)} if waiting else ())
        status = "WAITING" if waiting else "CHANGED"
        self.cases.append(
            _told(row, status, stored.outcome, decided.outcome)
            | {
                "lines": _lines(before, after),
                "parameters": self._parameters(row["law_digest"], stored, decided),
            }
        )

    def _line(self, kind: str, groups: Iterable[str], old: Side, new: Side) -> bool:
        differ = old[:2] != new[:2]
        self._add(
            f"kind/{kind}",
            determinations=1,
            changed=differ,
            better=new.amount_fen > old.amount_fen,
            worse=new.amount_fen < old.amount_fen,
            outcome=old.outcome != new.outcome,
            before_fen=old.amount_fen,
            after_fen=new.amount_fen,
        )
        if kind != LineKind.CATASTROPHIC:  # another fund pays it
            for group in groups:
                self._add(group, before_fen=old.amount_fen, after_fen=new.amount_fen)
        return differ

    def _waiting(self, kind: str, groups: Iterable[str], old: Side) -> None:
        self._add(f"kind/{kind}", determinations=1, changed=1, waiting=1, waiting_fen=old.amount_fen)
        if kind != LineKind.CATASTROPHIC:
            for group in groups:
                self._add(group, waiting_fen=old.amount_fen)

    def _undecided(self, row: Any, stored: Determination, before: Sides, reason: str, name: str) -> None:
        fund_fen = sum(side.amount_fen for (kind, _), side in before.items() if kind != LineKind.CATASTROPHIC)
        for group in (ALL, f"county/{row['county']}"):
            self._add(group, determinations=1, changed=1, undecided=1, undecided_fen=fund_fen)
        self.cases.append(
            _told(row, "UNDECIDED", stored.outcome, None)
            | {"reason": reason, "name": name, "lines": _lines(before, {}), "parameters": []}
        )

    def _add(self, group: str, **counts: int) -> None:
        self.tallies[group] = self.tallies[group].plus(Tally(**counts))

    def _parameters(self, digest: str, stored: Determination, decided: Determination) -> list[dict[str, str]]:
        """The parameters that either side rests on and that differ, with the citation of the draft."""
        old, new = _rests_on(stored), _rests_on(decided)
        kept = self.laws.get(digest)
        found = []
        for name in sorted(old.keys() | new.keys()):
            was = old.get(name) or _in_force(kept, name, new[name][1])
            will = new.get(name) or _in_force(self.draft, name, old[name][1])
            if was and will and was[0] != will[0]:  # what only one of the two laws knows was not changed by a draft
                zh, en = _citation(self.draft, name, will[1])
                found.append(
                    {"name": name, "old": was[0], "new": will[0], "since": will[1], "citation": zh, "citation_en": en}
                )
        return found

    def as_data(self) -> dict[str, Any]:
        tallies = {group: tuple(tally) for group, tally in self.tallies.items()}
        return {"tallies": tallies, "people": self.people, "unset": dict(self.unset)}


class Cost:
    """What a draft costs: the chunks, put together."""

    def __init__(self) -> None:
        self.tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self.unset: Counter[str] = Counter()
        self._people: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._outcome: set[str] = set()

    def take(self, chunk: Mapping[str, Any]) -> None:
        for group, counts in chunk["tallies"].items():
            self.tallies[group] = self.tallies[group].plus(counts)
        self.unset.update(chunk["unset"])
        for person, county, by_kind, outcome in chunk["people"]:
            fen = sum(by_kind.values())
            for group in (ALL, f"county/{county}"):
                self._people[group][person] += fen
            for kind, of_kind in by_kind.items():
                self._people[f"kind/{kind}"][person] += of_kind
            if outcome:
                self._outcome.add(person)

    def people(self, group: str) -> tuple[int, int]:
        """Distinct persons who are better off and worse off, all their claims taken together."""
        owed = self._people[group].values()
        return sum(fen > 0 for fen in owed), sum(fen < 0 for fen in owed)

    def group(self, name: str) -> dict[str, int]:
        tally, (better, worse) = self.tallies[name], self.people(name)
        return {
            **tally._asdict(),
            "difference_fen": tally.after_fen - tally.before_fen,
            "people_better": better,
            "people_worse": worse,
        }

    def as_data(self) -> dict[str, Any]:
        def under(prefix: str) -> dict[str, dict[str, int]]:
            return {
                name.removeprefix(prefix): self.group(name) for name in sorted(self.tallies) if name.startswith(prefix)
            }

        total = {**self.group(ALL), "people_outcome": len(self._outcome)}
        return {"total": total, "counties": under("county/"), "kinds": under("kind/"), "unset": dict(self.unset)}


def _sides(determination: Determination) -> Sides:
    return {
        (line.kind.value, line.number): Side(line.outcome.value, line.amount_fen, line.reasons)
        for line in determination.lines
    }


def _waits(side: Side) -> bool:
    return _WAITS in side.reasons


def _unset(line: Line) -> list[str]:
    return [values["name"] for rule, values, *_ in line.trace if rule == _WAITS]


def _told(row: Any, status: str, before: State, after: State | None) -> dict[str, Any]:
    return {
        "claim": str(row["claim_id"]),
        "version": row["version"],
        "county": row["county"],
        "law": row["law_digest"],
        "rules": row["rules_revision"],
        "status": status,
        "outcome_before": before.value,
        "outcome_after": after.value if after else "",
    }


def _lines(before: Sides, after: Sides) -> list[dict[str, Any]]:
    """The lines that differ."""
    return [
        {
            "kind": kind,
            "number": number,
            "outcome_before": old.outcome,
            "outcome_after": new.outcome,
            "before_fen": old.amount_fen,
            "after_fen": new.amount_fen,
            "reasons": list(new.reasons),
        }
        for kind, number in sorted(before.keys() | after.keys())
        if (old := before.get((kind, number), _NO_LINE))[:2] != (new := after.get((kind, number), _NO_LINE))[:2]
    ]


def _rests_on(determination: Determination) -> dict[str, tuple[str, str]]:
    """Parameters with value and date, as the trace has them; one that was not set has neither."""
    found = {}
    for step in determination.steps():
        rule, values, *rest = step
        if len(rest) > 1:
            found[rest[0]] = (rest[1], rest[2])
        elif rule == _WAITS:
            found[values["name"]] = ("", "")
    return found


def _in_force(law: Law | str | None, name: str, since: str) -> tuple[str, str] | None:
    """What stood in a law on the day a value of the other begins. None: that law knows no such parameter."""
    if not isinstance(law, Law) or name not in law.parameters:
        return None
    try:
        _, value, begun, _ = law[name].at(date.fromisoformat(since)).stamp
    except (NotInForce, ValueError):
        return "", ""
    return value, begun


def _citation(law: Law, name: str, since: str) -> tuple[str, str]:
    if not since:
        return "", ""
    dated = law[name].at(date.fromisoformat(since))
    return dated.citation, dated.citation_en
