"""gRPC of claims: `claims` answers questions about claims, `reviews` is where persons decide,
`appeals` where they appeal, `redeterminations` where they have all decided again because the law changed,
`employers` tells sums of employers, `submissions` what was not accepted and the totals of days.
"""

from services.claims.api.appeals import Appeals
from services.claims.api.claims import Claims
from services.claims.api.employers import EmployerFacts
from services.claims.api.redeterminations import Redeterminations
from services.claims.api.reviews import Reviews
from services.claims.api.submissions import Submissions

__all__ = ["Appeals", "Claims", "EmployerFacts", "Redeterminations", "Reviews", "Submissions"]
