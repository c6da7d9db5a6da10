"""The program of the rendering children and of their mother.

A child renders what comes in, and can do nothing else. It reads frames from descriptor 0 and
answers on descriptor 1. A frame is four bytes of length, big-endian, and JSON. Once it is ready
it opens no file, no socket and no process: the kernel allows no further descriptor, and an audit
hook refuses the attempt.

The mother is started by `nursery` with an empty environment. She talks over descriptor 0, a
socket of packets: a BIRTH with a descriptor makes a child that answers there, an END with a
process id kills one; she tells the id of each one born (0 when none could be) and the id and
signal of each that ended.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import socket
import sys

# Run as a file in isolated mode, it finds its own code only by what its parent names.
if __name__ == "__main__":
    sys.path[:0] = json.loads(sys.argv[1])["path"]

from messaging.liquid.engine import Engine, Refused
from messaging.liquid.limits import KINDS, Limits

BIRTH, END = b"b", b"e"
_REFUSED_EVENTS = (
    *("open", "import", "exec", "compile", "os.", "socket.", "subprocess.", "ctypes."),
    *("shutil.", "tempfile.", "glob.", "pathlib.", "fcntl.", "mmap."),
)


def wall_in(limits: Limits) -> None:
    """Give up for good what rendering does not need; affects the whole process."""
    for what, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_DATA, limits.memory_bytes),
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(what, (most, most))
    sys.path.clear()
    sys.addaudithook(_refuse)


def _refuse(event: str, _arguments: object) -> None:
    if event.startswith(_REFUSED_EVENTS):
        raise PermissionError(f"A template's process may not do this: {event}")


def warm_up(engine: Engine) -> None:
    """Use every part once, so that nothing is imported after the walls are up."""
    source = (
        "{% for i in (1..2) %}{% if i > 1 and a != b %}{{ i | plus: 1.5 | money: 'EUR', 'de' }}"
        "{% endif %}{% endfor %}{% case a %}{% when 'x' %}y{% else %}z{% endcase %}"
        "{% assign c = 'x,y' | split: ',' %}{{ c | join: '-' }}{{ '2026-11-24' | date: '%B' }}"
        "{% capture d %}<p style='color:red'>&amp;{{ a | escape }}</p>{% endcapture %}{{ d }}"
    )
    for kind in KINDS:
        engine.render(source, {"a": "x<"}, kind=kind)
        engine.inspect(source, kind=kind)
        for broken in ("{% if %}", "{{ a | nothing }}", "{% for i in (1..99999) %}{% endfor %}"):
            answer(engine, {"operation": "render", "source": broken, "context": {}, "kind": kind})


def answer(engine: Engine, asked: dict[str, object]) -> dict[str, object]:
    """Carry out one request: render or inspect."""
    source, kind = str(asked["source"]), str(asked["kind"])
    try:
        if asked["operation"] == "inspect":
            uses = engine.inspect(source, kind=kind)
            return {"uses": [[use.path, use.line] for use in uses]}
        context = asked["context"]
        assert isinstance(context, dict)
        rendered = engine.render(source, context, kind=kind)
    except Refused as refused:
        error = "expensive" if refused.expensive else "invalid"
        return {"error": error, "line": refused.line, "message": refused.message}
    return {"text": rendered.text, "removed": rendered.removed}


def _read(count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = os.read(0, count - len(parts))
        if not part:
            os._exit(0)  # the parent has gone
        parts += part
    return bytes(parts)


def _write(reply: dict[str, object]) -> None:
    body = json.dumps(reply).encode()
    frame = memoryview(len(body).to_bytes(4, "big") + body)
    while frame:
        frame = frame[os.write(1, frame) :]


def _allow(seconds: float) -> None:
    """Arm the kernel's stopwatch: its signal, unhandled, ends the process wherever it is."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    if seconds:
        used = resource.getrusage(resource.RUSAGE_SELF)
        most = int(used.ru_utime + used.ru_stime + seconds) + 2
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (most, hard))


def serve(limits: Limits, engine: Engine) -> None:
    """Answer until the parent closes the socket, the limits end it, or memory ran out once."""
    wall_in(limits)
    _write({"ready": True})
    while True:
        asked = json.loads(_read(int.from_bytes(_read(4), "big")))
        _allow(limits.cpu_seconds)
        try:
            reply = answer(engine, asked)
        except MemoryError:
            del asked
            os.write(1, _OUT_OF_MEMORY)
            os._exit(1)
        _allow(0)
        _write(reply)


def bear(limits: Limits) -> None:
    """Warm up, then make and end children as the parent asks, until it has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when anybody ends
    engine = Engine(limits)
    warm_up(engine)
    gc.collect()
    gc.freeze()  # what all children share is not written to by their collectors
    control = socket.socket(fileno=0)
    woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    children: set[int] = set()
    control.send(b"ready")
    while True:
        ready, _, _ = select.select((control.fileno(), woken), (), ())
        if woken in ready:
            os.read(woken, 4096)
            _bury(control, children)
        if control.fileno() in ready and not _heard(control, children, limits, engine):
            break
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    while children:
        children.discard(os.wait()[0])


def _heard(control: socket.socket, children: set[int], limits: Limits, engine: Engine) -> bool:
    """Do what the parent asks; return False when it has gone."""
    asked, descriptors, _, _ = socket.recv_fds(control, 64, 1)
    if not asked:
        return False
    if asked[:1] == END:
        pid = int.from_bytes(asked[1:5], "big")
        if pid in children:  # nobody else can have its number before it is buried
            os.kill(pid, signal.SIGKILL)
        return True
    try:
        pid = os.fork()
    except OSError:
        pid = 0
    else:
        if not pid:
            _be_child(control, descriptors[0], limits, engine)
        children.add(pid)
    os.close(descriptors[0])
    control.send(BIRTH + pid.to_bytes(4, "big"))
    return True


def _be_child(control: socket.socket, descriptor: int, limits: Limits, engine: Engine) -> None:
    """Become a child; never returns."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        control.detach()
        os.dup2(descriptor, 0)
        os.dup2(descriptor, 1)
        os.closerange(3, 64)
        serve(limits, engine)
    finally:
        os._exit(1)


def _bury(control: socket.socket, children: set[int]) -> None:
    """Tell of everybody who has ended."""
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG)) != (0, 0):
            pid, status = found
            children.discard(pid)
            by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            control.send(END + pid.to_bytes(4, "big") + bytes([by]))


_SPENT = b'{"error": "expensive", "line": 0, "message": "It needs too much memory.", "spent": true}'
_OUT_OF_MEMORY = len(_SPENT).to_bytes(4, "big") + _SPENT


if __name__ == "__main__":
    bear(Limits(**json.loads(sys.argv[1])["limits"]))
