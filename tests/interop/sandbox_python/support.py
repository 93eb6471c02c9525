"""What all checks share: the client, the list of checks, and which calls of the SDK were made."""

import functools
import inspect
import os
import time

import anthropic
from anthropic import Anthropic
from anthropic.resources.beta import agents, deployments, environments, files, sessions, vaults
from anthropic.resources.beta.sessions import threads

URL = os.environ["SANDBOX_URL"]
KEY = os.environ["SANDBOX_KEY"]

# Files of sessions need the beta of managed agents, which the SDK leaves out there.
BETA = ["managed-agents-2026-04-01"]

RESOURCES = (
    sessions.Sessions, sessions.Events, sessions.Resources, threads.Threads, threads.Events,
    agents.Agents, agents.Versions, environments.Environments, files.Files,
    deployments.Deployments, vaults.Vaults,
)
# Parameters that every call has.
COMMON = {
    "self", "betas", "workspace_id", "extra_headers", "extra_query", "extra_body", "timeout",
}

checks = []
_expected = set()
_made = set()


def check(function):
    checks.append(function)
    return function


def _recorded(owner, name, method):
    signature = inspect.signature(method)
    called = f"{owner.__module__.removeprefix('anthropic.resources.beta.')}.{name}"
    _expected.update((called, parameter) for parameter in signature.parameters if parameter not in COMMON)

    @functools.wraps(method)
    def call(*arguments, **named):
        given = signature.bind_partial(*arguments, **named).arguments
        _made.update((called, parameter) for parameter in given)
        return method(*arguments, **named)

    return call


def record_calls():
    """From now on every call of the SDK is recorded with its parameters."""
    for owner in RESOURCES:
        for name, method in list(vars(owner).items()):
            if inspect.isfunction(method) and not name.startswith("_"):
                setattr(owner, name, _recorded(owner, name, method))


def calls_not_made():
    return sorted(f"{call}({parameter})" for call, parameter in _expected - _made)


record_calls()
client = Anthropic(
    base_url=URL,
    api_key=KEY,
    max_retries=0,
    timeout=20,
    _strict_response_validation=True,
)
beta = client.beta

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    405: "invalid_request_error",
    409: "conflict_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def refused(kind, call, code=None):
    """The call must be refused with this class of exceptions, type and error code."""
    try:
        answer = call()
    except kind as error:
        assert error.request_id, "the refusal has no request id"
        body = error.body
        assert body["type"] == "error" and body["request_id"] == error.request_id, body
        assert body["error"]["type"] == error.type == TYPES[error.status_code], body
        assert body["error"]["message"], body
        assert error.error_code == code, (error.error_code, body)
        return error
    raise AssertionError(f"not refused: {answer!r}")


def invalid(call, code=None):
    return refused(anthropic.BadRequestError, call, code)


def missing(call, code=None):
    return refused(anthropic.NotFoundError, call, code)


def conflict(call):
    return refused(anthropic.ConflictError, call)


def ids(page):
    return [item.id for item in page]


def refuses_pages(call, maximum):
    """Limits out of range and forged cursors are refused by the list that `call` asks for."""
    for limit in (0, maximum + 1, -1):
        invalid(lambda: call(limit=limit))
    invalid(lambda: call(page="forged"))


def pages_like(call, whole):
    """Page by page the list is the same as in one piece."""
    assert ids(call(limit=1)) == whole, whole
    first = call(limit=1)
    if len(whole) > 1:
        assert first.next_page
        assert [item.id for item in call(limit=1, page=first.next_page).data] == whole[1:2]


def eventually(wanted, seconds=15):
    """The first true value of `wanted`, which is asked again and again."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        value = wanted()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s")


def settled(session_id, seconds=15):
    """The session once it is no longer busy."""

    def session():
        session = beta.sessions.retrieve(session_id)
        return session if session.status not in ("running", "rescheduling") else None

    return eventually(session, seconds)


def text(words):
    return {"type": "user.message", "content": [{"type": "text", "text": words}]}


def limit(cents):
    return {"type": "limit", "max_list_cost": {"amount": cents, "currency": "USD"}}


def fresh(**further):
    return beta.sessions.create(agent="agent_02", environment_id="env_01", **further)


def send(session_id, *events):
    return beta.sessions.events.send(session_id, events=list(events))


def routes():
    """The sandbox's routes with their requests and refusals so far."""
    answer = client.get("/_sandbox/routes", cast_to=object)
    return {
        f"{route['method']} {route['path']}": (route["requests"], route["refusals"])
        for route in answer["routes"]
    }
