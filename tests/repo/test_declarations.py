"""Topics, parameters and protos say what they must."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from cradle.claims.v1 import claim_pb2, event_pb2, intake_pb2, platform_pb2, receipt_pb2, service_pb2
from cradle.ops.v1 import parked_pb2
from cradle.options.v1 import options_pb2
from cradle.registry.v1 import event_pb2 as registry_event_pb2
from cradle.registry.v1 import intake_pb2 as registry_intake_pb2
from cradle.registry.v1 import office_pb2
from cradle.registry.v1 import service_pb2 as registry_pb2
from cradle.treasury.v1 import order_pb2, payment_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor

from services.claims.rules import LAW
from services.kit import law as laws
from services.kit.settings import Settings

ROOT = Path(__file__).parents[2]
TOPICS: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "topics.yaml").read_text("utf-8"))
PARAMETERS = [path for path in sorted((ROOT / "services").glob("*/parameters/**/*.yaml")) if path.name != "index.yaml"]
GEN = ROOT / "protos" / "gen"
MODULES = [
    importlib.import_module(".".join(path.relative_to(GEN).with_suffix("").parts))
    for path in sorted(GEN.glob("cradle/**/*_pb2.py"))
    if path.name != "options_pb2.py"
]
FILES: tuple[FileDescriptor, ...] = tuple(module.DESCRIPTOR for module in MODULES)


# An intake is what somebody outside writes to, one topic a source: `intake`, or `<what>-intake`.
INTAKE = re.compile(r"[a-z]+\.([a-z]+-)?intake\.v[1-9](\.<(source|office)>)?")

# --- topics --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", TOPICS["topics"], ids=lambda topic: str(topic["name"]))
def test_a_topic_says_everything_about_itself(topic: dict[str, Any]) -> None:
    assert set(topic) - {"readers", "writers"} == {
        "name", "owner", "key", "partitions", "retention_days", "personal_data"
    }  # fmt: skip
    others = [*topic.get("readers", []), *topic.get("writers", [])]
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*/[a-z][a-z0-9-]*", one) for one in others)
    assert re.fullmatch(r"[a-z]+\.[a-z-]+\.v[1-9](\.<(source|office)>)?", topic["name"])
    assert (ROOT / "protos" / "cradle" / topic["owner"]).is_dir()
    # What is addressed to one service bears its name, whoever writes it.
    addressed = [one.removeprefix("service/") for one in topic.get("readers", ())]
    assert topic["name"].partition(".")[0] in {topic["owner"], *addressed}
    assert isinstance(topic["key"], str)
    assert topic["key"]
    assert 1 <= topic["partitions"] <= 64
    assert 1 <= topic["retention_days"] <= 3650
    assert isinstance(topic["personal_data"], bool)


def test_topics_are_declared_once() -> None:
    names = [topic["name"] for topic in TOPICS["topics"]]

    assert len(names) == len(set(names))


def test_only_intake_topics_carry_personal_data_and_not_for_long() -> None:
    personal = [topic for topic in TOPICS["topics"] if topic["personal_data"]]

    assert personal
    assert all(INTAKE.fullmatch(topic["name"]) and topic["retention_days"] <= 14 for topic in personal)


def test_an_intake_topic_says_that_it_carries_personal_data() -> None:
    """So that whoever sets up access and retention by the declaration cannot overlook one."""
    intakes = {topic["name"]: topic["personal_data"] for topic in TOPICS["topics"] if INTAKE.fullmatch(topic["name"])}

    assert {"claims.intake.v1.<source>", "claims.platform-intake.v1.<source>"} <= set(intakes)
    assert all(intakes.values())


def test_the_sources_are_those_that_the_settings_know() -> None:
    assert tuple(TOPICS["sources"]) == Settings.model_fields["sources"].default
    assert tuple(TOPICS["offices"]) == Settings.model_fields["offices"].default
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", one) for one in (*TOPICS["sources"], *TOPICS["offices"]))


# --- parameters ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PARAMETERS, ids=lambda path: path.stem)
def test_every_value_of_a_parameter_has_its_citation(path: Path) -> None:
    raw = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)  # noqa: S506  # text only

    reference = raw["metadata"]["reference"]
    assert set(reference) == set(raw["values"])
    for cited in reference.values():
        assert cited[0]["title"].strip()
        assert cited[0]["title_en"].strip()
    assert raw["description"].strip()


@pytest.mark.parametrize(
    "folder", sorted({next(p for p in path.parents if p.name == "parameters") for path in PARAMETERS})
)
def test_the_parameters_of_a_service_load(folder: Path) -> None:
    assert len(laws.load(folder).parameters) == len([path for path in PARAMETERS if folder in path.parents])


def test_what_the_authority_has_not_set_is_marked_as_a_placeholder() -> None:
    """The open questions of the city: each stands in the law as a placeholder that a production start refuses."""
    open_questions = {
        "allowance.min_continuous_months",
        "allowance.backpay_grace_months",
        "allowance.fund_days.local60",
        "payee.direct_person_from",
    }

    placeholders = {name for name, parameter in LAW.parameters.items() if parameter.status == "placeholder"}
    assert open_questions <= {name for name in placeholders if LAW[name].mandatory}
    assert not {name for name, parameter in LAW.parameters.items() if parameter.mandatory} - placeholders


# --- protos --------------------------------------------------------------------------------------------------

PERSONAL_NAME = re.compile(r"id_number|(^|_)name(_|$)|phone|mobile|account|birth_date|address|remark|bank")
NOT_PERSONAL = {
    "cradle.claims.v1.Claim.name": "a resource name, claims/{claim}",
    "cradle.claims.v1.Determination.name": "a resource name",
    "cradle.claims.v1.Review.name": "a resource name, reviews/{review}",
    "cradle.claims.v1.Move.name": "a resource name",
    "cradle.claims.v1.Redetermination.name": "a resource name",
    "cradle.claims.v1.Appeal.name": "a resource name",
    "cradle.certification.v1.Application.name": "a resource name, applications/{application}",
    "cradle.certification.v1.Certificate.name": "a resource name",
    "cradle.certification.v1.Objection.name": "a resource name, objections/{objection}",
    "cradle.certification.v1.Evidence.name": "a resource name, evidence/{evidence}",
    "cradle.certification.v1.Figure.name": "the name of a figure of the scheme",
    "cradle.certification.v1.Quantity.name": "the name of a quantity of the scheme",
    "cradle.certification.v1.Scheme.name": "a resource name, schemes/{version}",
    "cradle.registry.v1.Employer.employer_name": "of an enterprise, as published",
    "cradle.registry.v1.Employer.account_on_file": "whether there is one, and no account",
    "cradle.registry.v1.Provider.provider_name": "of an institution, as published",
    "cradle.registry.v1.Provider.account_on_file": "whether there is one, and no account",
    "cradle.treasury.v1.Budget.name": "a resource name",
    "cradle.treasury.v1.Order.name": "a resource name, orders/{order}",
    "cradle.treasury.v1.Refusal.name": "a resource name",
    "cradle.treasury.v1.TrialBalance.accounts": "accounts of the ledger",
    "cradle.treasury.v1.AccountBalance.account": "an account of the ledger",
    "cradle.treasury.v1.Statement.accounts": "accounts of the ledger",
    "cradle.treasury.v1.AccountMovement.account": "an account of the ledger",
    "cradle.treasury.v1.ListTransfersRequest.account": "an account of the ledger",
    "cradle.treasury.v1.HoldDay.account": "an account of ours",
    "cradle.treasury.v1.Recovery.name": "a resource name, recoveries/{recovery}",
    "cradle.treasury.v1.WaitingOrder.account_version": "a number of a version, and no account",
    "cradle.treasury.v1.WaitingOrder.account_now": "whether it has changed, and no account",
    "cradle.treasury.v1.Run.name": "a resource name, runs/{run}",
    "cradle.treasury.v1.Payment.name": "a resource name, payments/{payment}",
    "cradle.treasury.v1.Unmatched.name": "a resource name",
    "cradle.treasury.v1.BankFile.name": "the name of a file",
    "cradle.treasury.v1.BankFile.account": "a name of ours for an account of ours",
    "cradle.treasury.v1.ImportStatementRequest.file_name": "the name of a file",
    "cradle.treasury.v1.StatementFile.file_name": "the name of a file",
    "cradle.treasury.v1.Unmatched.file_name": "the name of a file",
    "cradle.treasury.v1.Break.name": "a resource name, breaks/{break}",
    "cradle.treasury.v1.Break.file_name": "the name of a file",
    "cradle.treasury.v1.Break.account": "an account of ours, as its bank calls it",
    "cradle.treasury.v1.ListBreaksRequest.account": "an account of ours, as its bank calls it",
    "cradle.treasury.v1.ListReconciledDaysRequest.account": "an account of ours, as its bank calls it",
    "cradle.treasury.v1.ReconciledDay.account": "an account of ours, as its bank calls it",
    "cradle.registry.v1.EmployerStanding.employer_name": "the name of an employer, which is public",
    "cradle.certification.v1.CertificateOnFile.employer_name": "the name of an employer, which is public",
    "cradle.registry.v1.EmployerRecord.name": "the name of an employer, which is public",
    "cradle.registry.v1.ProviderRecord.name": "the name of an institution, which is public",
}


def messages(file: FileDescriptor) -> list[Descriptor]:
    found, waiting = [], list(file.message_types_by_name.values())
    while waiting:
        message = waiting.pop()
        found.append(message)
        waiting += [nested for nested in message.nested_types if not nested.GetOptions().map_entry]
    return found


def fields() -> list[FieldDescriptor]:
    return [field for file in FILES for message in messages(file) for field in message.fields]


def is_personal(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[options_pb2.personal])


def test_every_field_that_sounds_personal_is_marked_or_excused() -> None:
    """`name` of a request is that of a resource, as everywhere (AIP-122)."""
    named = {
        field.full_name
        for field in fields()
        if PERSONAL_NAME.search(field.name) and not field.full_name.endswith("Request.name")
    }

    marked = {field.full_name for field in fields() if is_personal(field)}
    assert len(marked) >= 5
    assert named - marked - set(NOT_PERSONAL) == set()
    assert not marked & set(NOT_PERSONAL)
    assert set(NOT_PERSONAL) <= named


def reached(message: Descriptor) -> set[str]:
    """Personal fields of a message and of all it holds."""
    found, waiting, seen = set(), [message], set()
    while waiting:
        current = waiting.pop()
        if current.full_name in seen:
            continue
        seen.add(current.full_name)
        for field in current.fields:
            found |= {field.full_name} if is_personal(field) else set()
            waiting += [field.message_type] if field.message_type else []
    return found


@pytest.mark.parametrize(
    "message",
    [
        receipt_pb2.ClaimReceipt.DESCRIPTOR,
        event_pb2.ClaimEvent.DESCRIPTOR,
        claim_pb2.Claim.DESCRIPTOR,
        service_pb2.ExplainDeterminationResponse.DESCRIPTOR,
        parked_pb2.ParkedRecord.DESCRIPTOR,
        platform_pb2.PlatformReport.DESCRIPTOR,
        registry_pb2.BatchGetCoverageResponse.DESCRIPTOR,
        registry_event_pb2.CoverageEvent.DESCRIPTOR,
        registry_event_pb2.PersonEvent.DESCRIPTOR,
        registry_event_pb2.EmployerEvent.DESCRIPTOR,
        registry_intake_pb2.CoverageReceipt.DESCRIPTOR,
        office_pb2.ErasePersonResponse.DESCRIPTOR,
        order_pb2.OrderEvent.DESCRIPTOR,
        payment_pb2.PaymentEvent.DESCRIPTOR,
    ],
    ids=lambda message: str(message.name),
)
def test_what_leaves_holds_no_personal_field(message: Descriptor) -> None:
    assert reached(message) == set()


def test_what_comes_in_is_known_to_hold_some() -> None:
    assert reached(intake_pb2.ClaimIntake.DESCRIPTOR) == {
        "cradle.claims.v1.ClaimSubmission.husband_id_number",
        "cradle.claims.v1.ClaimSubmission.person_id_number",
        "cradle.claims.v1.ClaimSubmission.remark",
    }


def test_every_file_of_protos_is_looked_at() -> None:
    known = {file.name for file in FILES} | {options_pb2.DESCRIPTOR.name}

    assert {str(path.relative_to(ROOT / "protos")) for path in (ROOT / "protos" / "cradle").rglob("*.proto")} == known


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.__name__))
def test_the_generated_code_in_use_is_that_of_the_repository(module: Any) -> None:
    """An installed copy that lags behind would have every process run on an old contract."""
    ours = ROOT / "protos" / "gen" / Path(*module.__name__.split(".")).with_suffix(".py")

    assert Path(module.__file__).read_bytes() == ours.read_bytes()


def test_money_is_whole_fen_and_says_so() -> None:
    named = [field for field in fields() if re.search(r"amount|wage|allowance|topup|price|fee|cost", field.name)]
    money = [field for field in named if not field.name.endswith("_changed")]  # an event, not a sum

    assert len(money) >= 6
    assert [field.full_name for field in money if not field.name.endswith("_fen")] == []
    integers = {FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_MESSAGE}  # a map of years to fen is a message
    assert [field.full_name for field in money if field.type not in integers] == []
