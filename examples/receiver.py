"""Receives what a webhook target is sent, and checks who it is from; SECRET is the target's secret.

SECRET=whsec_… python examples/receiver.py
"""

import base64
import hmac
import os
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

KEY = base64.b64decode(os.environ["SECRET"].removeprefix("whsec_"))
HOST, PORT = os.environ.get("LISTEN", "127.0.0.1:9000").split(":")


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        event_id, timestamp = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        signed = hmac.digest(KEY, f"{event_id}.{timestamp}.".encode() + body, "sha256")
        expected = f"v1,{base64.b64encode(signed).decode()}"
        given = self.headers["webhook-signature"].split()
        genuine = any(hmac.compare_digest(expected, one) for one in given)
        recent = abs(time.time() - int(timestamp)) < 300
        self.send_response(204 if genuine and recent else 401)
        self.end_headers()
        print(event_id, body.decode() if genuine and recent else "is not from us", flush=True)


HTTPServer((HOST, int(PORT)), Receiver).serve_forever()
