# SPDX-License-Identifier: Apache-2.0
"""Servers that nobody here wrote, unmodified, from crates.io and PyPI, under load.

Each is installed once, started bare and under memscope, asked some thousand things over loopback
by several clients at once, and told to end. What it answers must be the same; the sum over all
tasks and over what ran outside of them must be the program's totals, and the groups of tasks that
allocate most must have names that its developers would recognise.
"""
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Callable

from programs import Missing, need

CLIENTS, REQUESTS, START_S, END_S = 8, 150, 30, 60

# A task of the runtime's own: its workers and its pool of blocking threads.
RUNTIME = r"tokio::runtime::(blocking|scheduler|driver)"


@dataclass
class Server:
    name: str
    command: Callable  # (work, port) -> words
    drive: Callable  # (port, client) -> bytes that must be the same each time
    known: str  # what names are recognised by
    needed: list  # what one of the names must hold
    runtime: str = "tokio"
    environment: tuple = ()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def install_crate(work, crate, version, binary, *flags):
    """An executable of a crate, built from crates.io's sources as they are."""
    root = work / "crates"
    program = root / "bin" / binary
    if program.exists():
        return program
    words = [need("cargo"), "install", "-q", "-j2", "--root", root, crate, "--version", version,
             *flags]
    built = subprocess.run(words, env=dict(os.environ, CARGO_TARGET_DIR=str(root / "target")),
                           capture_output=True, timeout=3000)
    if built.returncode != 0:
        raise Missing(built.stderr.decode(errors="replace").strip()[-300:])
    return program


def install_python(work, *packages):
    """An interpreter that has the packages."""
    place = work / "venv"
    python = place / "bin" / "python"
    done = place / ("-".join(packages) + ".done")
    if done.exists():
        return python
    for words in ([sys.executable, "-m", "venv", place],
                  [python, "-m", "pip", "install", "-q", *packages]):
        made = subprocess.run(words, capture_output=True, timeout=600)
        if made.returncode != 0:
            raise Missing(made.stderr.decode(errors="replace").strip()[-300:])
    done.touch()
    return python


def redis_server(work, port):
    program = install_crate(work, "mini-redis", "0.4.1", "mini-redis-server")
    return [program, "--port", str(port)]


def redis_drive(port, client):
    """SET and GET by the protocol, each answer read before the next question."""
    def ask(*words):
        text = f"*{len(words)}\r\n".encode()
        for word in words:
            text += f"${len(word)}\r\n".encode() + word + b"\r\n"
        connection.sendall(text)
        line = file.readline()
        if line.startswith(b"$"):
            return line + file.read(int(line[1:]) + 2)
        return line

    answers = b""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        file = connection.makefile("rb")
        for i in range(REQUESTS):
            key = b"key-%d-%d" % (client, i % 20)
            answers += ask(b"SET", key, b"v" * (i * 7 % 4000)) + ask(b"GET", key)
    return answers


def dufs_server(work, port):
    program = install_crate(work, "dufs", "0.47.0", "dufs", "--no-default-features")
    folder = work / "served"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "page.txt").write_bytes(b"line of a page\n" * 3000)
    return [program, "--allow-all", "--bind", "127.0.0.1", "--port", str(port), folder]


def served_folder(work):
    folder = work / "served-pages"
    folder.mkdir(exist_ok=True)
    for i in range(4):
        (folder / f"page-{i}.txt").write_bytes(b"line of a page\n" * (i * 1500 + 1))
    return folder


def live_server(work, port):
    program = install_crate(work, "live-server", "0.11.1", "live-server", "--locked")
    return [program, "-H", "127.0.0.1", "-p", str(port), served_folder(work)]


def miniserve(work, port):
    program = install_crate(work, "miniserve", "0.35.0", "miniserve", "--locked",
                            "--no-default-features")
    return [program, "-i", "127.0.0.1", "-p", str(port), served_folder(work)]


def pages(client, i):
    return f"/page-{(client + i) % 4}.txt", None


def http_drive(paths, port, client):
    """Half of the requests on one connection, half on connections of their own."""
    answers = b""
    kept = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for i in range(REQUESTS):
        path, body = paths(client, i)
        connection = kept if i % 2 else http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("PUT" if body else "GET", path, body)
        answer = connection.getresponse()
        answers += str(answer.status).encode() + answer.read()
        if connection is not kept:
            connection.close()
    kept.close()
    return answers


def dufs_paths(client, i):
    if i % 3 == 0:
        return f"/put-{client}-{i % 9}.bin", b"b" * (5000 + i)
    return "/page.txt", None


AIOHTTP_APP = '''
import asyncio
from aiohttp import web

async def answer(request):
    rows = [{"n": i, "text": "x" * i} for i in range(200)]
    await asyncio.sleep(0)
    return web.json_response(rows)

def make(argv):
    app = web.Application()
    app.router.add_get("/", answer)
    return app
'''


def aiohttp_server(work, port):
    python = install_python(work, "aiohttp", "aiosmtpd")
    (work / "served_by_aiohttp.py").write_text(AIOHTTP_APP)
    return [python, "-m", "aiohttp.web", "-H", "127.0.0.1", "-P", str(port),
            "served_by_aiohttp:make"]


def smtp_server(work, port):
    python = install_python(work, "aiohttp", "aiosmtpd")
    return [python, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}",
            "-c", "aiosmtpd.handlers.Sink"]


def smtp_drive(port, client):
    answers = []
    with smtplib.SMTP("127.0.0.1", port, local_hostname="client") as mail:
        for i in range(REQUESTS // 3):
            text = "Subject: %d\n\n" % i + "some words\n" * (i * 50)
            answers.append(mail.sendmail("a@x.org", [f"b{client}@y.org"], text))
    return repr(answers).encode()


# dufs is built without symbols: positions of async functions are all that there is, and who spawned
# what has none.
DUFS = r"^(async|spawned by async) .*\.rs:\d+:\d+|^spawned outside of tasks$"

# miniserve is stripped: the same, and an interval of Tokio's is a task as well.
STRIPPED = r"^(async|spawned by async) (actix|tokio).*\.rs:\d+:\d+|^spawned outside of tasks$"

AXUM = rf"axum::serve|live_server::|notify::|{RUNTIME}"

SERVERS = [
    Server("mini-redis", redis_server, redis_drive, rf"mini_redis|{RUNTIME}",
           ["mini_redis::server::Listener::run"]),
    Server("dufs", dufs_server, lambda *a: http_drive(dufs_paths, *a), DUFS, ["dufs-0.47.0/src/main.rs:"]),
    Server("axum", live_server, lambda *a: http_drive(pages, *a), AXUM,
           ["axum::serve::handle_connection", "live_server::http_layer::server::serve"]),
    Server("actix-web", miniserve, lambda *a: http_drive(pages, *a), STRIPPED,
           ["actix-server-2", "src/worker.rs:"]),
    Server("aiohttp", aiohttp_server, lambda *a: http_drive(lambda c, i: ("/", None), *a),
           r"^\w[\w.<>]* \(\w+\.py\)$", ["RequestHandler.start (web_protocol.py)"],
           runtime="asyncio", environment=(("PYTHONMALLOC", "malloc"),)),
    Server("aiosmtpd", smtp_server, smtp_drive, r"^\w[\w.<>]* \(\w+\.py\)$",
           ["SMTP._handle_client (smtp.py)"], runtime="asyncio",
           environment=(("PYTHONMALLOC", "malloc"),)),
]


def wait_for(process, port):
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def children(pid):
    try:
        words = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [int(word) for word in words]


def find_server(pid, program):
    """The process that runs the program: it or below it."""
    for one in [pid, *children(pid)]:
        words = pathlib.Path(f"/proc/{one}/cmdline").read_bytes().split(b"\0")
        if words[0] == os.fsencode(program):
            return one
    return pid


def serve(server, work, prefix):
    """Starts, asks, ends: a hash of each client's answers, and how the program ended."""
    port = free_port()
    words = [str(word) for word in server.command(work, port)]
    environment = dict(os.environ, **dict(server.environment))
    said = (work / "server.log").open("w+b")
    process = subprocess.Popen([*prefix, *words], cwd=work, env=environment, stdout=said,
                               stderr=said)
    answers = [None] * CLIENTS

    def ask(client):
        try:
            answers[client] = hashlib.sha256(server.drive(port, client)).hexdigest()
        except (OSError, http.client.HTTPException, smtplib.SMTPException) as wrong:
            print(f"    client {client}: {wrong!r}")

    try:
        if not wait_for(process, port):
            raise Missing((work / "server.log").read_text(errors="replace")[-300:])
        clients = [threading.Thread(target=ask, args=(i,)) for i in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        os.kill(find_server(process.pid, words[0]), signal.SIGINT)
        process.wait(timeout=END_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        said.close()
    return answers, process.returncode


FIGURES = ("allocations", "allocated_bytes", "frees", "freed_bytes", "end_live_blocks",
           "end_live_bytes")


def check_sums(told):
    wrong = []
    for figure in FIGURES:
        groups = sum(group[figure] for group in told["task_groups"]) + told["no_task"][figure]
        if groups != told["totals"][figure]:
            wrong.append(f"{figure}: {told['totals'][figure]} in all, {groups} over groups of tasks and none")
    return wrong


def check_names(server, told):
    groups = sorted(told["task_groups"], key=lambda group: -group["allocated_bytes"])[:10]
    for group in groups:
        print(f"    {group['allocated_bytes']:10} bytes, {group['tasks']:5} tasks: {group['name']}")
    wrong = [f"nobody knows {group['name']!r}" for group in groups
             if not re.search(server.known, group["name"])]
    wrong += [f"no group is named {name!r}" for name in server.needed
              if not any(name in group["name"] for group in groups)]
    wrong += [f"a group of {group['runtime']!r}" for group in groups
              if group["runtime"] != server.runtime]
    return wrong


def check_server(server, arguments, work):
    """None when it holds, else what is wrong. Raises Missing when it cannot be had here."""
    bare, bare_status = serve(server, work, [])
    if None in bare:
        return "the bare server did not answer"
    recording = work / f"server-{server.name}.mscope"
    prefix = [arguments.memscope, "run", "-q", "--strategy", "async", "-o", str(recording), "--"]
    watched, status = serve(server, work, prefix)
    if watched != bare:
        return "it answers otherwise"
    if status != bare_status and status != 128 - bare_status:
        return f"it ended with {status}, bare with {bare_status}"
    report = subprocess.run([arguments.memscope, "report", "-e", "json", "-o", "-", recording],
                            capture_output=True, timeout=120)
    told = json.loads(report.stdout)
    recording.unlink()
    if not told["exact"]:
        return "the recording is not exact"
    return "; ".join(check_sums(told) + check_names(server, told)) or None
