"""A version of the scheme as protobuf."""

from __future__ import annotations

from cradle.certification.v1 import scheme_pb2 as pb

from services.certification.model import Dimension, Indicator, IndicatorKind, Scheme, Size, Source, Words
from services.kit.dates import to_proto
from services.kit.law import Dated, Status, text_of

DIMENSIONS = {one: pb.Dimension.Value(f"DIMENSION_{one.name}") for one in Dimension}
_KINDS = {one: pb.CriterionKind.Value(f"CRITERION_KIND_{one}") for one in IndicatorKind}
_SIZES = {one: pb.EmployerSize.Value(f"EMPLOYER_SIZE_{one}") for one in Size}
_SOURCES = {one: pb.CriterionSource.Value(f"CRITERION_SOURCE_{one}") for one in Source}


def words(given: Words) -> pb.Words:
    return pb.Words(zh=given.zh, en=given.en)


def scheme(given: Scheme) -> pb.Scheme:
    return pb.Scheme(
        name=f"schemes/{given.version}",
        version=given.version,
        title=words(given.words),
        in_force_from=to_proto(given.in_force_from) if given.in_force_from else None,
        digest=given.digest,
        notice=words(given.notice),
        issuer=words(given.issuer),
        dimensions=[
            pb.DimensionPoints(dimension=DIMENSIONS[one], title=words(of.words), max_points=str(of.most))
            for one, of in given.dimensions.items()
        ],
        figures=[_figure(one) for one in given.figures.values()],
    )


def _figure(given: Dated) -> pb.Figure:
    citation = pb.Words(zh=given.citation, en=given.citation_en)
    return pb.Figure(name=given.name, value=text_of(given.value), citation=citation, status=_status(given.status))


def _status(given: Status) -> pb.SourceStatus.ValueType:
    return pb.SourceStatus.Value(f"SOURCE_STATUS_{given.upper()}")


def criterion(given: Indicator, of: Scheme) -> pb.Criterion:
    return pb.Criterion(
        id=given.id,
        kind=_KINDS[given.kind],
        dimension=DIMENSIONS[given.dimension] if given.dimension else pb.DIMENSION_UNSPECIFIED,
        title=words(given.words),
        points=str(given.points) if given.kind is not IndicatorKind.GATE else "",
        formula=given.formula,
        quantities=given.quantities(),
        not_applicable=given.not_applicable,
        sizes=sorted(_SIZES[one] for one in given.applies.sizes),
        sectors=given.applies.sectors,
        women_min=given.applies.women_min,
        evidence=evidence(given, of),
        evidence_max=given.evidence.most,
        source=_SOURCES[given.source],
        law=given.law,
        law_status=_status(given.law_status),
        status=_status(given.status),
    )


def evidence(given: Indicator, of: Scheme) -> list[pb.EvidenceKind]:
    return [pb.EvidenceKind(code=code, title=words(of.evidence_kinds[code])) for code in given.evidence.kinds]
