"""gRPC of certification: `schemes` for what is asked, `applications` and `evidence` for the employer's side,
`assessments` for the authority's, `certificates` from the award on. HTTP: `public`, for anybody.
"""

from services.certification.api.applications import Applications
from services.certification.api.assessments import Assessments
from services.certification.api.certificates import Certificates
from services.certification.api.evidence import EvidenceFiles
from services.certification.api.public import Public
from services.certification.api.schemes import Schemes

__all__ = ["Applications", "Assessments", "Certificates", "EvidenceFiles", "Public", "Schemes"]
