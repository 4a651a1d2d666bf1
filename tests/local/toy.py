"""A role that does nothing but say that it is ready, on the address it was told."""

from __future__ import annotations

import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()


if __name__ == "__main__":
    host, port = os.environ["CRADLE_METRICS_LISTEN"].split(":")
    sys.stderr.write(f"toy serves {os.environ.get('TOY_WORD', '')}\n")
    HTTPServer((host, int(port)), Ready).serve_forever()
