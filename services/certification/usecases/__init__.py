"""What is done with applications and certificates; each in one transaction.

- `desk`: what it needs around it. `moving`: an application in hand, and moved.
- `applying`: the employer's side. `assessing`, `deciding`: the authority's. `reading`: both.
- `evidencing`: files that show what is stated. `verifying`: what anybody may ask of a certificate.
- `screening`, `timing`: what is looked up, and what days do.
"""

from services.certification.usecases.desk import Desk

__all__ = ["Desk"]
