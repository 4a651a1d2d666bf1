"""gRPC of claims: `claims` answers questions about claims, `reviews` is where persons decide,
`redeterminations` where they have all decided again because the law changed.
"""

from services.claims.api.claims import Claims
from services.claims.api.redeterminations import Redeterminations
from services.claims.api.reviews import Reviews

__all__ = ["Claims", "Redeterminations", "Reviews"]
