"""Run the catcher: `python -m connectors.sms.catcher --port P --data DIR`.

Prints `ready ADDRESS` once its port listens; port 0 means any free one.
"""

import argparse
import signal
import threading
from pathlib import Path

from connectors.sms.catcher.inbox import Inbox
from connectors.sms.catcher.web import GatewayServer


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="Catch short messages and show them.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    chosen = parser.parse_args()
    inbox = Inbox(chosen.data / "inbox.sqlite3")
    server = GatewayServer(chosen.port, inbox)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"ready http://127.0.0.1:{server.server_address[1]}", flush=True)  # noqa: T201
    stop.wait()
    server.shutdown()
    server.server_close()
    inbox.close()


if __name__ == "__main__":
    main()
