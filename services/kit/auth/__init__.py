"""Who is asking, what he may, and how much of it he sees.

| file | |
|---|---|
| `principal` | who asks, as servicers see it: `current()`, and what is in his scope |
| `access` | the file that says which certificate and which token has which role |
| `tokens` | a person's token, checked against the issuer's keys |
| `gate` | the three together: from a connection and its metadata to a principal |
"""

from services.kit.auth.access import Access, AccessError, Role, read
from services.kit.auth.gate import Gate, gate_of
from services.kit.auth.principal import Principal, acting, current
from services.kit.auth.tokens import KeysUnread, Tokens

__all__ = [
    "Access",
    "AccessError",
    "Gate",
    "KeysUnread",
    "Principal",
    "Role",
    "Tokens",
    "acting",
    "current",
    "gate_of",
    "read",
]
