"""The certificate as a signed credential that anyone can verify alone, and the lists that say which have ended.

| file | |
|---|---|
| `keys` | the issuer's keys: one signs, all verify; the published set |
| `signed` | signing, and opening what anybody may have written |
| `credential` | what a credential says (W3C Verifiable Credentials 2.0) |
| `status` | the lists of what is revoked and what is suspended (W3C Bitstring Status List 1.0) |
| `code` | the short token in the code on the paper |
| `verify` | the answer: VALID, SUSPENDED, REVOKED, EXPIRED or INVALID, never an exception |

docs/certificates.md says what of the standards is kept.
"""

from services.certification.credential.code import address, number_in
from services.certification.credential.credential import issue
from services.certification.credential.keys import Issuer, Keys, published, read_keys, trusted
from services.certification.credential.status import Bits, Lists, Place, sign_list
from services.certification.credential.verify import place_of, verify

__all__ = [
    "Bits",
    "Issuer",
    "Keys",
    "Lists",
    "Place",
    "address",
    "issue",
    "number_in",
    "place_of",
    "published",
    "read_keys",
    "sign_list",
    "trusted",
    "verify",
]
