"""Drives the official SDK and our client against one recording server and compares requests.

Method, path, query, every header but those listed in `OWN`, and the body have to be equal.
The only other difference is the one in `expected`.
"""

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import anthropic

# Headers in which every HTTP client speaks of itself or of its connection.
OWN = {"user-agent", "host", "connection", "accept-encoding"}
OWN_PREFIX = "x-stainless-"

EARLIER, LATER = "2026-01-02T03:04:05Z", "2026-02-03T04:05:06.789Z"
RANGE = {
    "created_at_gt": EARLIER,
    "created_at_gte": EARLIER,
    "created_at_lt": LATER,
    "created_at_lte": LATER,
}

# Operation -> the same call of the SDK; the arguments are those of examples/wire.rs.
OPERATIONS = {
    "get": lambda s: s.retrieve("sesn_1"),
    "get_odd_id": lambda s: s.retrieve("a/b?c#d%2eé+&=;,@:"),
    "list": lambda s: s.list(),
    "list_filtered": lambda s: s.list(
        agent_id="agent_1",
        agent_version=3,
        deployment_id="depl_1",
        memory_store_id="memstore_1",
        statuses=["idle", "running"],
        include_archived=True,
        order="asc",
        limit=7,
        page="cur/s+or=&",
        **RANGE,
    ),
    "update_tools": lambda s: s.update(
        "sesn_1",
        agent={
            "tools": [
                {"type": "agent_toolset_20260401", "configs": [{"name": "bash", "enabled": False}]}
            ],
            "mcp_servers": [],
        },
    ),
    "update_fields": lambda s: s.update(
        "sesn_1", title='Ünïcode "quoted"', metadata={"a": "b", "gone": None}
    ),
    "update_title_null": lambda s: s.update("sesn_1", title=None),
    "archive": lambda s: s.archive("sesn_1"),
    "delete": lambda s: s.delete("sesn_1"),
    "events": lambda s: s.events.list("sesn_1"),
    "events_filtered": lambda s: s.events.list(
        "sesn_1",
        types=["session.status_idle", "user.message"],
        order="desc",
        limit=1,
        page="cursor",
        **RANGE,
    ),
    "interrupt": lambda s: s.events.send("sesn_1", events=[{"type": "user.interrupt"}]),
    "interrupt_thread": lambda s: s.events.send(
        "sesn_1", events=[{"type": "user.interrupt", "session_thread_id": "sthr_1"}]
    ),
    "threads": lambda s: s.threads.list("sesn_1"),
}


class Recorder(ThreadingHTTPServer):
    """Answers everything and remembers it."""

    def __init__(self):
        self.requests = []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def take(self):
        taken, self.requests = self.requests, []
        return taken


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        self.server.requests.append(normal(self.command, self.path, self.headers, body))
        text = json.dumps(canned(self.command, self.path.split("?")[0])).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_DELETE = answer

    def do_CONNECT(self):
        self.server.requests.append((self.path, dict(self.headers.items())))
        self.send_error(502)

    def log_message(self, *_):
        pass


def canned(method, path):
    if path.endswith("/oauth/token"):
        return {
            "token_type": "bearer",
            "access_token": "granted-access",
            "refresh_token": "granted-refresh",
            "expires_in": 3600,
        }
    if method == "DELETE":
        return {"id": "sesn_1", "type": "session_deleted"}
    if method == "GET" and path.endswith(("/sessions", "/events", "/threads")):
        return {"data": [], "next_page": None}
    return {"id": "sesn_1", "type": "session", "status": "idle"}


def normal(method, target, headers, body):
    """A request without the freedom that the formats leave: the order of names, escapes that
    mean the same. Every header is kept but the client's own."""
    path, _, query = target.partition("?")
    lines = sorted(
        (name.lower(), value)
        for name, value in headers.items()
        if name.lower() not in OWN and not name.lower().startswith(OWN_PREFIX)
    )
    if body:
        # The length follows from the spacing of the JSON, which is free.
        lines = [line for line in lines if line[0] != "content-length"]
    return {
        "method": method,
        "path": [unquote(segment) for segment in path.split("/")],
        # A stable sort, so that the order of repeated names counts.
        "query": sorted(parse_qsl(query, keep_blank_values=True), key=lambda pair: pair[0]),
        "headers": lines,
        "body": json.loads(body) if body else None,
    }


def unchanged(requests):
    return requests


def without_oauth_beta(requests):
    """API.md: the SDK leaves the value out for a token from ANTHROPIC_AUTH_TOKEN; we send it for
    every OAuth token on purpose."""
    wanted = "managed-agents-2026-04-01,oauth-2025-04-20"
    for request in requests:
        beta = [value for name, value in request["headers"] if name == "anthropic-beta"]
        assert beta == [wanted], f"the OAuth beta is missing: {beta}"
        request["headers"] = [
            (name, "managed-agents-2026-04-01" if name == "anthropic-beta" else value)
            for name, value in request["headers"]
        ]
    return requests


def without_token_accept(requests):
    """The SDK asks the token endpoint with its HTTP library's default, `*/*`; API.md gives every
    request `accept: application/json`."""
    for request in requests:
        if request["path"][-1] == "token":
            request["headers"] = [line for line in request["headers"] if line[0] != "accept"]
    return requests


def profile(directory, name, authentication, credentials, **config):
    for folder in ("configs", "credentials"):
        (directory / folder).mkdir(exist_ok=True)
    path = directory / "configs" / f"{name}.json"
    path.write_text(json.dumps({"authentication": authentication, **config}))
    path.chmod(0o644)
    path = directory / "credentials" / f"{name}.json"
    path.write_text(json.dumps(credentials))
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)


def profiles(directory):
    """Made anew for each client, since a refresh changes them."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    lasting = {"access_token": "of-file", "expires_at": int(time.time()) + 3600}
    over = {"access_token": "of-file", "expires_at": 1, "refresh_token": "spent-by-this"}
    user = {"type": "user_oauth", "client_id": "client_1"}
    profile(directory, "default", {"type": "user_oauth"}, lasting, workspace_id="wrkspc_1")
    profile(directory, "over", user, over)
    (directory / "identity").write_text("jwt\n")
    federation = {
        "type": "oidc_federation",
        "federation_rule_id": "fdrl_1",
        "identity_token": {"source": "file", "path": str(directory / "identity")},
    }
    profile(
        directory, "federation", federation, {}, organization_id="org_1", workspace_id="wrkspc_1"
    )
    # A federation profile has no credentials before its first exchange.
    (directory / "credentials" / "federation.json").unlink()


def cases(directory):
    """Name, variables, operations, expected difference (applied to our requests, the SDK's)."""
    everything = list(OPERATIONS)
    config = {"ANTHROPIC_CONFIG_DIR": str(directory)}
    workload = {
        "ANTHROPIC_FEDERATION_RULE_ID": "fdrl_1",
        "ANTHROPIC_ORGANIZATION_ID": "org_1",
        "ANTHROPIC_SERVICE_ACCOUNT_ID": "svac_1",
        "ANTHROPIC_IDENTITY_TOKEN": "jwt",
    }
    key = {"ANTHROPIC_API_KEY": "key"}
    token = {"ANTHROPIC_AUTH_TOKEN": "token"}
    over = {**config, "ANTHROPIC_PROFILE": "over"}
    federation = {**config, "ANTHROPIC_PROFILE": "federation"}
    same = (unchanged, unchanged)
    accept = (without_token_accept, without_token_accept)
    for name in everything:
        yield f"{name}, API key", key, [name], same
    yield "key before token before profile", {**config, **token, **key}, ["get"], same
    yield "OAuth token", {**config, **token}, ["get"], (without_oauth_beta, unchanged)
    yield "profile in use", config, ["get", "archive"], same
    yield "profile that is over", over, ["get", "get"], accept
    yield "federation profile", federation, ["get", "get"], accept
    yield "workload identity", workload, ["get", "delete"], accept
    in_workspace = {**workload, "ANTHROPIC_WORKSPACE_ID": "wrkspc_2"}
    yield "workload identity in a workspace", in_workspace, ["get"], accept
    yield "workload before active profile", {**config, **workload}, ["get"], accept


def through_proxy(binary, recorder):
    """The proxy of the system is asked for a connection, and told nothing else."""
    environment = clean({"ANTHROPIC_API_KEY": "the-key"}, "https://host.invalid")
    environment["HTTPS_PROXY"] = recorder.url
    subprocess.run([binary, "get"], env=environment, capture_output=True, timeout=60)
    seen = recorder.take()
    assert seen and all(target == "host.invalid:443" for target, _ in seen), seen
    assert "the-key" not in str(seen), "the proxy was told the key"


def past_proxy(binary, recorder):
    """What goes to this machine does not go through a proxy."""
    proxy = Recorder()
    environment = clean({"ANTHROPIC_API_KEY": "the-key"}, recorder.url)
    environment.update(HTTP_PROXY=proxy.url, http_proxy=proxy.url, ALL_PROXY=proxy.url)
    run([binary, "get"], environment)
    assert len(recorder.take()) == 1 and not proxy.take(), "the proxy was asked"


def clean(variables, url):
    """This process's environment without credentials and proxies, and with `variables`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ANTHROPIC_") and not name.lower().endswith("_proxy")
    }
    home = tempfile.gettempdir() + "/nobody"
    return {**kept, "HOME": home, "ANTHROPIC_BASE_URL": url, **variables}


def sdk(operations):
    sessions = anthropic.Anthropic(max_retries=0).beta.sessions
    for operation in operations:
        OPERATIONS[operation](sessions)


def show(requests):
    return json.dumps(requests, indent=2, ensure_ascii=False)


def compare(binary, recorder, directory, variables, operations, differences):
    ours_less, theirs_less = differences
    environment = clean(variables, recorder.url)
    profiles(directory)
    run([sys.executable, __file__, "--sdk", *operations], environment)
    theirs = theirs_less(recorder.take())
    profiles(directory)
    run([binary, *operations], environment)
    ours = ours_less(recorder.take())
    assert ours and ours == theirs, f"ours: {show(ours)}\nthe SDK's: {show(theirs)}"


def main(binary):
    passed = failed = 0
    recorder = Recorder()
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary) / "config"
        checks = [
            (name, partial(compare, binary, recorder, directory, *rest))
            for name, *rest in cases(directory)
        ]
        checks.append(("through a proxy", partial(through_proxy, binary, recorder)))
        checks.append(("past a proxy", partial(past_proxy, binary, recorder)))
        for name, check in checks:
            try:
                check()
                passed += 1
                print("ok  ", name)
            except (AssertionError, RuntimeError) as problem:
                recorder.take()
                failed += 1
                print("FAIL", name)
                print(problem)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def run(command, environment):
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")


if __name__ == "__main__":
    if sys.argv[1] == "--sdk":
        sdk(sys.argv[2:])
    else:
        sys.exit(main(sys.argv[1]))
