"""A stand-in for a process of the product: serves /readyz or just says that it is ready."""

import argparse
import http.server
import os
import signal
import sys
import threading
import time
from pathlib import Path


def main() -> None:
    """Become ready, then live until SIGTERM; `--crash-once FILE` dies the first time."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--announce", default="")
    parser.add_argument("--crash-once", default="")
    parser.add_argument("--fail", action="store_true")
    parser.add_argument("--child", action="store_true")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if chosen.fail:
        sys.exit("the database is on fire")
    if chosen.crash_once and not Path(chosen.crash_once).exists():
        Path(chosen.crash_once).touch()
        sys.exit(7)
    if chosen.child and os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    if chosen.port:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", chosen.port), Page)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"ready {chosen.announce}\n")
    sys.stdout.flush()
    while True:
        time.sleep(60)


class Page(http.server.BaseHTTPRequestHandler):
    """Answers with the environment it was given, by name."""

    def do_GET(self) -> None:
        """Answer /readyz with ok and /NAME with the variable NAME."""
        body = os.environ.get(self.path[1:], "ok").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    main()
