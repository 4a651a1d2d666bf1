"""gRPC of claims: `claims` answers questions about claims, `reviews` is where persons decide."""

from services.claims.api.claims import Claims
from services.claims.api.reviews import Reviews

__all__ = ["Claims", "Reviews"]
