#!/bin/sh
# Create an api trigger, fire it under an idempotency key, and wait for its event in the log.
# Wants ETP_URL and ETP_API_KEY.
set -eu

request() { # METHOD PATH [BODY [HEADER]]
  curl -sS --fail-with-body -X "$1" "$ETP_URL$2" -H "X-API-KEY: $ETP_API_KEY" \
    ${3:+-H "Content-Type: application/json" -d "$3"} ${4:+-H "$4"}
}
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

trigger=$(request POST /triggers/ '{
  "name": "order placed", "type": "api",
  "payload": {"currency": "EUR"},
  "payload_schema": {"type": "object", "required": ["amount"],
                     "properties": {"amount": {"type": "number", "minimum": 0}}}
}' | field id)

# Sent again under the same key within 48 hours, it is the same event: repeat it without a thought.
event=$(request POST "/triggers/$trigger/fire" '{"payload": {"amount": 12.5}}' \
  "Idempotency-Key: order-1" | field event_id)

# It is in the log in a few milliseconds; a program would rather hear it (follow_log.py).
until request GET "/events/$event" 2>/dev/null; do sleep 0.2; done
echo
