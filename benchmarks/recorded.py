"""A server of recorded answers: ``python -m benchmarks.recorded FOLDER``, until it is stopped."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def main(folder: Path) -> None:
    """Serve the JSON files of a folder under the addresses that their names are."""
    bodies = {
        f"/api/{path.relative_to(folder).with_suffix('')}": path.read_bytes()
        for path in folder.glob("**/*.json")
    }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = bodies.get(self.path, b"{}")
            self.send_response(200 if self.path in bodies else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            # As the simulator says it.
            sys.stderr.write(f"GET {self.path} -> {len(body)} bytes\n")
            sys.stderr.flush()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        sys.stdout.write(f"http://127.0.0.1:{server.server_port}/api\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
