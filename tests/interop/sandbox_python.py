"""The official Python SDK, strict and unchanged, against a running sandbox.

SANDBOX_URL and SANDBOX_KEY say where it is. Prints one line for each check, "ok …" or
"FAILED …", and exits with 1 if a check failed.
"""

import os
import sys
import threading
import time
import traceback
from datetime import datetime, timedelta, timezone

import anthropic
from anthropic import Anthropic

URL = os.environ["SANDBOX_URL"]
KEY = os.environ["SANDBOX_KEY"]

client = Anthropic(
    base_url=URL,
    api_key=KEY,
    max_retries=0,
    timeout=20,
    _strict_response_validation=True,
)
sessions = client.beta.sessions
checks = []


def check(function):
    checks.append(function)
    return function


def ids(page):
    return [session.id for session in page]


def refused(kind, call, code=None):
    """The call must be refused with this class of the SDK's exceptions."""
    try:
        answer = call()
    except kind as error:
        assert error.request_id, "the refusal has no request id"
        body = error.body
        assert body["type"] == "error" and body["request_id"] == error.request_id, body
        if code is not None:
            assert body["error"]["details"]["error_code"] == code, body
        return error
    raise AssertionError(f"not refused: {answer!r}")


def settled(session_id, seconds=15):
    """The session once it is no longer running."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        session = sessions.retrieve(session_id)
        if session.status != "running":
            return session
        time.sleep(0.1)
    raise AssertionError(f"{session_id} is still running")


def text(words):
    return {"type": "user.message", "content": [{"type": "text", "text": words}]}


def fresh(**further):
    return sessions.create(agent="agent_02", environment_id="env_01", **further)


@check
def lists_every_session_through_pages():
    whole = ids(sessions.list(limit=100, include_archived=True))
    paged = ids(sessions.list(limit=3, include_archived=True))
    assert len(whole) >= 14 and paged == whole, (whole, paged)
    assert len(set(whole)) == len(whole)


@check
def walks_pages_backwards():
    first = sessions.list(limit=4)
    assert first.prev_page is None and first.next_page
    second = sessions.list(limit=4, page=first.next_page)
    back = sessions.list(limit=4, page=second.prev_page)
    assert [s.id for s in back.data] == [s.id for s in first.data]


@check
def refuses_a_cursor_of_another_order():
    page = sessions.list(limit=2, order="asc").next_page
    assert sessions.list(limit=2, order="asc", page=page).data
    refused(anthropic.BadRequestError, lambda: sessions.list(order="desc", page=page))
    refused(anthropic.BadRequestError, lambda: sessions.list(page="forged"))


@check
def orders_by_creation():
    created = [s.created_at for s in sessions.list(order="asc", limit=100)]
    assert created == sorted(created)
    created = [s.created_at for s in sessions.list(limit=100)]
    assert created == sorted(created, reverse=True)


@check
def leaves_archived_sessions_out_unless_asked():
    assert all(s.archived_at is None for s in sessions.list(limit=100))
    assert any(s.archived_at for s in sessions.list(limit=100, include_archived=True))


@check
def filters_by_status():
    for status in ("idle", "running", "rescheduling", "terminated"):
        found = list(sessions.list(statuses=[status], limit=100))
        assert found and {s.status for s in found} == {status}, status
    both = {s.status for s in sessions.list(statuses=["running", "rescheduling"], limit=100)}
    assert both == {"running", "rescheduling"}


@check
def filters_by_agent_deployment_and_memory_store():
    found = list(sessions.list(agent_id="agent_03", limit=100))
    assert found and {s.agent.id for s in found} == {"agent_03"}
    same = ids(sessions.list(agent_id="agent_03", agent_version=2, limit=100))
    assert same == [s.id for s in found]
    assert ids(sessions.list(agent_id="agent_03", agent_version=9)) == []
    assert ids(sessions.list(deployment_id="depl_02")) == ["sesn_13"]
    assert ids(sessions.list(memory_store_id="memstore_01")) == ["sesn_14"]


@check
def filters_by_creation():
    week = datetime.now(timezone.utc) - timedelta(days=7)
    young = list(sessions.list(created_at_gte=week, limit=100))
    old = list(sessions.list(created_at_lt=week, limit=100))
    assert young and all(s.created_at >= week for s in young)
    assert old and all(s.created_at < week for s in old)
    edge = old[0].created_at
    assert edge in [s.created_at for s in sessions.list(created_at_lte=edge, limit=100)]
    assert edge not in [s.created_at for s in sessions.list(created_at_gt=edge, limit=100)]


@check
def retrieves_every_session_and_its_history():
    kinds = set()
    for listed in sessions.list(limit=100, include_archived=True):
        session = sessions.retrieve(listed.id)
        assert session.id == listed.id and session.type == "session"
        kinds.update(event.type for event in sessions.events.list(listed.id))
        assert list(sessions.threads.list(listed.id))
    assert {"session.error", "agent.mcp_tool_result", "agent.custom_tool_use"} <= kinds, kinds


@check
def knows_agents_and_environments():
    assert {a.id for a in client.beta.agents.list()} >= {"agent_01", "agent_05"}
    assert client.beta.agents.retrieve("agent_02").mcp_servers[0].name == "linear"
    assert client.beta.environments.retrieve("env_01").type == "environment"
    assert "env_03" not in [e.id for e in client.beta.environments.list()]
    agent = client.beta.agents.create(name="Scribe", model="claude-haiku-5-5")
    place = client.beta.environments.create(name="desk", config={"type": "cloud"})
    session = sessions.create(
        agent={"type": "agent", "id": agent.id, "version": 1}, environment_id=place.id
    )
    assert session.agent.name == "Scribe" and session.environment_id == place.id


@check
def creates_with_everything():
    session = fresh(
        title="From the SDK",
        metadata={"team": "tests"},
        budget={"type": "limit", "max_list_cost": {"amount": "900", "currency": "USD"}},
        vault_ids=["vlt_01"],
        resources=[
            {"type": "file", "file_id": "file_01"},
            {"type": "github_repository", "url": "https://github.com/example/shop"},
            {"type": "memory_store", "memory_store_id": "memstore_02"},
        ],
    )
    assert session.status == "idle" and session.title == "From the SDK"
    assert session.budget.max_list_cost.amount == "900"
    assert [r.type for r in session.resources] == ["file", "github_repository", "memory_store"]
    assert sessions.create(
        agent="agent_01", environment_id="env_01", initial_events=[text("Go.")]
    ).status == "running"


@check
def refuses_to_create_out_of_nothing():
    refused(anthropic.NotFoundError, lambda: sessions.create(agent="agent_x", environment_id="env_01"))
    refused(
        anthropic.NotFoundError,
        lambda: sessions.create(agent="agent_01", environment_id="env_x"),
        "environment_not_found",
    )
    refused(
        anthropic.BadRequestError,
        lambda: sessions.create(agent="agent_01", environment_id="env_03"),
        "environment_archived",
    )


@check
def updates_title_and_metadata():
    session = fresh(title="Before", metadata={"keep": "1", "drop": "2"})
    changed = sessions.update(session.id, title="After", metadata={"drop": None, "new": "3"})
    assert changed.title == "After" and changed.metadata == {"keep": "1", "new": "3"}
    assert changed.updated_at > session.updated_at
    assert sessions.update(session.id, title=None).title is None
    many = {f"key{n}": "v" for n in range(17)}
    refused(anthropic.BadRequestError, lambda: sessions.update(session.id, metadata=many))


@check
def replaces_tools_and_answers_them_resolved():
    session = fresh()
    changed = sessions.update(
        session.id,
        agent={
            "mcp_servers": [{"type": "url", "name": "docs", "url": "https://mcp.example.com/mcp"}],
            "tools": [
                {
                    "type": "agent_toolset_20260401",
                    "configs": [
                        {"name": "web_fetch", "allowed_domains": ["docs.example.com"],
                         "url_sources": {"user_input": "all"}},
                        {"name": "web_search", "user_location": {"type": "approximate", "city": "Lisbon"}},
                    ],
                },
                {"type": "mcp_toolset", "mcp_server_name": "docs"},
                {"type": "custom", "name": "ring", "description": "Rings", "input_schema": {"type": "object"}},
            ],
        },
    )
    built_in, mcp, custom = changed.agent.tools
    assert built_in.default_config.permission_policy.type == "always_allow"
    assert built_in.configs[0].type == "web_fetch" and built_in.configs[0].enabled
    assert mcp.default_config.enabled and mcp.configs == []
    assert custom.name == "ring"
    # The resolved form may be posted back, and is then no change.
    again = [tool.to_dict() for tool in changed.agent.tools]
    same = sessions.update(session.id, agent={"tools": again})
    assert same.agent == changed.agent and same.updated_at == changed.updated_at
    kept = sessions.update(session.id, agent={"tools": []})
    assert kept.agent.tools == [] and kept.agent.mcp_servers[0].name == "docs"
    assert client.beta.agents.retrieve("agent_02").mcp_servers[0].name == "linear"


@check
def refuses_impossible_tools():
    session = fresh()
    for tools in (
        [{"type": "mcp_toolset", "mcp_server_name": "nobody"}],
        [{"type": "agent_toolset_20260401"}] * 2,
        [{"type": "custom", "name": "no spaces", "description": "x", "input_schema": {"type": "object"}}],
        [{"type": "agent_toolset_20260401", "default_config": {"permission_policy": {"type": "never"}}}],
    ):
        refused(anthropic.BadRequestError, lambda: sessions.update(session.id, agent={"tools": tools}))
    refused(anthropic.BadRequestError, lambda: sessions.update(session.id, vault_ids=["vlt_01"]))


@check
def keeps_the_rules_of_budgets():
    def limit(cents):
        return {"type": "limit", "max_list_cost": {"amount": cents, "currency": "USD"}}

    without = fresh()
    refused(
        anthropic.BadRequestError,
        lambda: sessions.update(without.id, budget=limit("100")),
        "budget_create_only",
    )
    refused(
        anthropic.BadRequestError,
        lambda: sessions.update("sesn_13", budget=limit("2503")),
        "budget_not_raised",
    )
    assert sessions.update("sesn_13", budget=limit("4000")).budget.max_list_cost.amount == "4000"
    capped = fresh(budget=limit("500"))
    assert sessions.update(capped.id, budget=None).budget is None
    refused(
        anthropic.BadRequestError,
        lambda: sessions.update(capped.id, budget=limit("600")),
        "budget_create_only",
    )
    refused(anthropic.ConflictError, lambda: sessions.update("sesn_07", budget=None))


@check
def runs_a_message_to_its_end_and_streams_it():
    session = fresh()
    seen = []
    ready = threading.Event()

    def listen():
        with sessions.events.stream(session.id) as stream:
            ready.set()
            for event in stream:
                seen.append(event.type)
                if event.type == "session.status_idle":
                    return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    assert ready.wait(5)
    sent = sessions.events.send(session.id, events=[text("Look into it.")])
    assert sent.data[0].type == "user.message" and sent.data[0].id
    assert sessions.retrieve(session.id).status == "running"
    listener.join(15)
    assert not listener.is_alive()
    after = settled(session.id)
    assert after.status == "idle" and after.updated_at > session.updated_at
    assert after.usage.output_tokens > session.usage.output_tokens
    assert int(after.usage.list_cost.amount) > 0 and after.usage.active_seconds > 0
    history = [event.type for event in sessions.events.list(session.id)]
    assert history == [
        "user.message",
        "session.status_running",
        "session.thread_status_running",
        "span.model_request_start",
        "agent.thinking",
        "agent.message",
        "span.model_request_end",
        "session.thread_status_idle",
        "session.usage",
        "session.status_idle",
    ], history
    assert seen == history, seen


@check
def filters_and_pages_events():
    whole = [e.id for e in sessions.events.list("sesn_01")]
    assert [e.id for e in sessions.events.list("sesn_01", limit=2)] == whole
    newest = [e.id for e in sessions.events.list("sesn_01", order="desc", limit=3)]
    assert newest == whole[::-1]
    only = list(sessions.events.list("sesn_01", types=["agent.message", "user.message"]))
    assert {e.type for e in only} == {"agent.message", "user.message"}
    edge = only[-1].processed_at
    assert all(e.processed_at >= edge for e in sessions.events.list("sesn_01", created_at_gte=edge))


@check
def refuses_what_a_running_session_cannot_do():
    refused(anthropic.ConflictError, lambda: sessions.archive("sesn_04"))
    refused(anthropic.ConflictError, lambda: sessions.delete("sesn_04"))
    refused(anthropic.ConflictError, lambda: sessions.update("sesn_04", agent={"tools": []}))
    assert sessions.update("sesn_04", title="Still running").status == "running"


@check
def interrupts_archives_and_deletes():
    session = fresh(title="Short-lived")
    sessions.events.send(session.id, events=[text("Take your time.")])
    sessions.events.send(session.id, events=[{"type": "user.interrupt"}])
    last = list(sessions.events.list(session.id))[-1]
    assert last.type == "session.status_idle" and last.stop_reason.type == "end_turn"
    settled(session.id, 2)
    archived = sessions.archive(session.id)
    assert archived.archived_at and archived.status == "terminated"
    assert sessions.archive(session.id).archived_at == archived.archived_at
    refused(anthropic.ConflictError, lambda: sessions.events.send(session.id, events=[text("?")]))
    refused(anthropic.ConflictError, lambda: sessions.update(session.id, title="?"))
    assert [e.type for e in sessions.events.list(session.id)][-1] == "session.status_terminated"
    gone = sessions.delete(session.id)
    assert gone.id == session.id and gone.type == "session_deleted"
    refused(anthropic.NotFoundError, lambda: sessions.retrieve(session.id))
    refused(anthropic.NotFoundError, lambda: sessions.delete(session.id))


@check
def goes_on_after_a_confirmation_or_a_result():
    def waits_for(session_id):
        last = list(sessions.events.list(session_id, types=["session.status_idle"]))[-1]
        assert last.stop_reason.type == "requires_action", last
        return last.stop_reason.event_ids[0]

    call = waits_for("sesn_02")
    refused(
        anthropic.BadRequestError,
        lambda: sessions.events.send(
            "sesn_02",
            events=[{"type": "user.tool_confirmation", "tool_use_id": "sevt_x", "result": "allow"}],
        ),
    )
    deny = {"type": "user.tool_confirmation", "tool_use_id": call, "result": "deny",
            "deny_message": "Not on a Friday."}
    sessions.events.send("sesn_02", events=[deny])
    result = {"type": "user.custom_tool_result", "custom_tool_use_id": waits_for("sesn_03"),
              "content": [{"type": "text", "text": "Order 88213: delivered."}]}
    sessions.events.send("sesn_03", events=[result])
    assert settled("sesn_02").status == "idle" and settled("sesn_03").status == "idle"
    denied = list(sessions.events.list("sesn_02", types=["agent.tool_result"]))[-1]
    assert denied.is_error and denied.tool_use_id == call
    last = list(sessions.events.list("sesn_03", types=["session.status_idle"]))[-1]
    assert last.stop_reason.type == "end_turn"


@check
def evaluates_an_outcome():
    session = fresh()
    outcome = {"type": "user.define_outcome", "description": "A table of prices",
               "rubric": {"type": "text", "content": "Ten rows."}}
    sent = sessions.events.send(session.id, events=[outcome])
    assert sent.data[0].outcome_id
    assert settled(session.id).outcome_evaluations[0].result == "satisfied"


@check
def shows_the_threads_of_several_agents():
    threads = list(sessions.threads.list("sesn_12"))
    assert len(threads) == 3 and threads[0].parent_thread_id is None
    assert threads[1].parent_thread_id == threads[0].id
    running = list(sessions.threads.list("sesn_12", statuses=["running"]))
    assert len(running) == 2
    stop = {"type": "user.interrupt", "session_thread_id": threads[1].id}
    sessions.events.send("sesn_12", events=[stop])
    assert sessions.retrieve("sesn_12").status == "running"
    assert list(sessions.threads.list("sesn_12"))[1].status == "idle"


@check
def refuses_missing_and_wrong_credentials():
    wrong = Anthropic(base_url=URL, api_key="sk-invalid-1", max_retries=0)
    refused(anthropic.AuthenticationError, lambda: wrong.beta.sessions.list())


@check
def refuses_limits_out_of_range():
    for limit in (0, 101, -1):
        refused(anthropic.BadRequestError, lambda: sessions.list(limit=limit))
    refused(anthropic.BadRequestError, lambda: sessions.events.list("sesn_01", limit=1001))
    refused(anthropic.BadRequestError, lambda: sessions.list(statuses=["asleep"]))


@check
def survives_faults_by_its_own_retries():
    patient = client.with_options(max_retries=2)
    fault = {"x-sandbox-fault": "429;retry-after=1"}
    error = refused(anthropic.RateLimitError, lambda: sessions.retrieve("sesn_01", extra_headers=fault))
    assert error.response.headers["retry-after"] == "1"
    faults = {"faults": [{"effect": {"kind": "status", "status": 529}}, {"effect": {"kind": "reset"}}]}
    client.post("/_sandbox/faults", cast_to=object, body=faults)
    assert patient.beta.sessions.retrieve("sesn_01").id == "sesn_01"


def main():
    failed = 0
    for function in checks:
        name = function.__name__.replace("_", " ")
        try:
            function()
        except Exception as error:  # every failure is reported, none ends the run
            failed += 1
            print(f"FAILED python: {name}: {type(error).__name__}: {error}")
            traceback.print_exc()
        else:
            print(f"ok python: {name}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
