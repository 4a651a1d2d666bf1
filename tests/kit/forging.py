"""Tokens as an attacker writes them, by hand: a library worth its name refuses to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any


def by_hand(header: Mapping[str, Any] | Any, claims: Mapping[str, Any] | Any, signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def unsigned(claims: Mapping[str, Any]) -> str:
    return by_hand({"alg": "none", "kid": "local"}, claims)


def confused(claims: Mapping[str, Any], public_pem: bytes) -> str:
    """Signed with the issuer's public key as if it were a secret that both know (RS256 taken for HS256)."""
    header = {"alg": "HS256", "kid": "local"}
    signed = by_hand(header, claims).rpartition(".")[0].encode()
    return by_hand(header, claims, hmac.digest(public_pem, signed, hashlib.sha256))
