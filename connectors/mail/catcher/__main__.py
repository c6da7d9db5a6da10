"""Run the mail catcher: `python -m connectors.mail.catcher --smtp-port P --http-port P --data DIR`.

Prints `ready HTTP-ADDRESS SMTP-ADDRESS` once both ports listen; port 0 means any free one.
"""

import argparse
import asyncio
import signal
import threading
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from connectors.mail.catcher.inbox import Inbox
from connectors.mail.catcher.web import InboxServer

MAIL_BYTES_MAX = 25 * 1024 * 1024


class Catcher:
    """Takes every mail for every recipient."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep one mail; the sender hears of success only once it is on disk."""
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        self._inbox.add(envelope.mail_from or "", list(envelope.rcpt_tos), raw)
        return "250 Kept"


async def serve(smtp_port: int, http_port: int, folder: Path) -> None:
    """Serve until SIGTERM or SIGINT."""
    inbox = Inbox(folder / "inbox.sqlite3")
    catcher = Catcher(inbox)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def connect() -> SMTP:
        return SMTP(
            catcher,
            hostname="localhost",
            ident="inbox",
            data_size_limit=MAIL_BYTES_MAX,
            enable_SMTPUTF8=True,
            loop=loop,
        )

    smtp = await loop.create_server(connect, "127.0.0.1", smtp_port)
    web = InboxServer(http_port, inbox)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    ports = web.server_address[1], smtp.sockets[0].getsockname()[1]
    print(f"ready http://127.0.0.1:{ports[0]} smtp://127.0.0.1:{ports[1]}", flush=True)  # noqa: T201
    await stop.wait()
    smtp.close()
    web.shutdown()
    web.server_close()
    inbox.close()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description="Catch mail and show it.")
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    chosen = parser.parse_args()
    asyncio.run(serve(chosen.smtp_port, chosen.http_port, chosen.data))


if __name__ == "__main__":
    main()
