#!/bin/sh
# Applies for a certification with grpcurl and jq: a draft, some fields of it, what would come of it, and it is withdrawn.
#
#   apply.sh CREDIT_CODE
#
# CRADLE_CERTIFICATION_TARGET says where; CRADLE_TLS_CERTIFICATE, CRADLE_TLS_KEY and CRADLE_TLS_AUTHORITIES who you are;
# CRADLE_PROTOSET names the contract, which `python -m tools.protos image` writes to build/cradle.binpb.
set -eu

call() { # METHOD, with the request on standard input
    grpcurl -cacert "$CRADLE_TLS_AUTHORITIES" -cert "$CRADLE_TLS_CERTIFICATE" -key "$CRADLE_TLS_KEY" \
        -protoset "$CRADLE_PROTOSET" -max-time 30 -d @ \
        "$CRADLE_CERTIFICATION_TARGET" "cradle.certification.v1.ApplicationService/$1"
}

new_id() { cat /proc/sys/kernel/random/uuid; }

draft=$(call CreateApplication <<EOF
{"parent": "employers/$1", "kind": "APPLICATION_KIND_NEW", "request_id": "$(new_id)"}
EOF
)
name=$(echo "$draft" | jq -r .name)
etag=$(echo "$draft" | jq -r .etag)

saved=$(call UpdateApplication <<EOF
{"application": {"name": "$name", "etag": "$etag", "facts": {"staff": 200, "women": 90, "sector": "C"}, "consents": true},
 "update_mask": {"paths": ["facts", "consents"]}, "request_id": "$(new_id)"}
EOF
)
etag=$(echo "$saved" | jq -r .etag)

call SubmitApplication <<EOF
{"name": "$name", "etag": "$etag", "request_id": "$(new_id)", "validate_only": true}
EOF

call WithdrawApplication <<EOF
{"name": "$name", "etag": "$etag", "request_id": "$(new_id)"}
EOF
