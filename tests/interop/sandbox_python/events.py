"""Events: listed, sent and streamed."""

import threading

import anthropic

from support import (
    beta, check, conflict, fresh, invalid, missing, refused, refuses_pages, send, settled, text,
)

sessions = beta.sessions


def streamed(stream, until):
    """A thread that collects the types of a stream's events, and the list that it fills."""
    seen = []
    ready = threading.Event()

    def listen():
        with stream() as events:
            ready.set()
            for event in events:
                seen.append(event.type)
                if event.type == until:
                    return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    assert ready.wait(5)
    return listener, seen


@check
def runs_a_message_to_its_end_and_streams_it():
    session = fresh()
    listener, seen = streamed(lambda: sessions.events.stream(session.id), "session.status_idle")
    sent = send(session.id, text("Look into it."))
    assert sent.data[0].type == "user.message" and sent.data[0].id
    assert sessions.retrieve(session.id).status == "running"
    listener.join(15)
    assert not listener.is_alive()
    after = settled(session.id)
    assert after.status == "idle" and after.updated_at > session.updated_at
    assert after.usage.output_tokens > session.usage.output_tokens
    assert int(after.usage.list_cost.amount) > 0 and after.usage.active_seconds > 0
    history = [event.type for event in sessions.events.list(session.id)]
    order = ["user.message", "session.status_running", "span.model_request_start",
             "agent.message", "span.model_request_end", "session.usage", "session.status_idle"]
    assert [kind for kind in history if kind in order] == order, history
    assert seen == history[: len(seen)] and seen[-1] == "session.status_idle", seen


@check
def streams_whether_or_not_previews_are_asked_for():
    session = fresh()
    stream = lambda: sessions.events.stream(session.id, event_deltas=["agent.message"])  # noqa: E731
    listener, seen = streamed(stream, "session.status_idle")
    send(session.id, text("Go."))
    listener.join(15)
    assert not listener.is_alive() and "agent.message" in seen
    missing(lambda: sessions.events.stream("sesn_x"))


@check
def filters_and_pages_events():
    whole = [e.id for e in sessions.events.list("sesn_01")]
    assert [e.id for e in sessions.events.list("sesn_01", limit=2)] == whole
    first = sessions.events.list("sesn_01", limit=2)
    assert [e.id for e in sessions.events.list("sesn_01", limit=2, page=first.next_page).data] == whole[2:4]
    newest = [e.id for e in sessions.events.list("sesn_01", order="desc", limit=3)]
    assert newest == whole[::-1]
    only = list(sessions.events.list("sesn_01", types=["agent.message", "user.message"]))
    assert {e.type for e in only} == {"agent.message", "user.message"}
    edge = only[-1].processed_at

    def times(**bound):
        return [e.processed_at for e in sessions.events.list("sesn_01", **bound)]

    assert min(times(created_at_gte=edge)) == edge and all(at > edge for at in times(created_at_gt=edge))
    assert max(times(created_at_lte=edge)) == edge and all(at < edge for at in times(created_at_lt=edge))
    refuses_pages(lambda **page: sessions.events.list("sesn_01", **page), 1000)
    invalid(lambda: sessions.events.list("sesn_01", types=["session.exploded.twice", "nonsense"]))
    invalid(lambda: sessions.events.list("sesn_01", order="desc", page=first.next_page))
    invalid(lambda: sessions.events.list("sesn_01", created_at_gt="yesterday"))
    missing(lambda: sessions.events.list("sesn_x"))


@check
def refuses_events_that_cannot_be():
    session = fresh()
    confirm = {"type": "user.tool_confirmation", "tool_use_id": "sevt_x", "result": "allow"}
    outcome = {"type": "user.define_outcome", "description": "x", "rubric": {"type": "text", "content": "y"}}
    for event in (
        {"type": "agent.message", "content": [{"type": "text", "text": "I am the agent."}]},
        {"type": "user.message", "content": []},
        {"type": "user.message", "content": [{"type": "search_result"}]},
        {"type": "user.interrupt", "session_thread_id": "sthr_x"},
        confirm,
        {**confirm, "deny_message": "No."},
        {"type": "user.custom_tool_result", "custom_tool_use_id": "sevt_x"},
        {"type": "user.tool_result", "tool_use_id": "sevt_x"},
        {**outcome, "max_iterations": 21},
        {**outcome, "rubric": {"type": "image"}},
    ):
        # A request is refused as a whole.
        invalid(lambda: send(session.id, text("First."), event))
    assert not list(sessions.events.list(session.id))
    system = {"type": "system.message", "content": [{"type": "text", "text": "Be brief."}]}
    for wrong in ((system,), (system, text("Behind it.")), (text("?"), system, system)):
        invalid(lambda: send(session.id, *wrong))
    invalid(lambda: send(session.id))
    missing(lambda: send("sesn_x", text("?")))
    conflict(lambda: send("sesn_08", text("?")))


@check
def goes_on_after_a_confirmation_or_a_result():
    def waits_for(session_id):
        last = list(sessions.events.list(session_id, types=["session.status_idle"]))[-1]
        assert last.stop_reason.type == "requires_action", last
        return last.stop_reason.event_ids[0]

    call = waits_for("sesn_02")
    deny = {"type": "user.tool_confirmation", "tool_use_id": call, "result": "deny",
            "deny_message": "Not on a Friday."}
    send("sesn_02", deny)
    result = {"type": "user.custom_tool_result", "custom_tool_use_id": waits_for("sesn_03"),
              "content": [{"type": "text", "text": "Order 88213: delivered."}]}
    send("sesn_03", result)
    assert settled("sesn_02").status == "idle" and settled("sesn_03").status == "idle"
    denied = list(sessions.events.list("sesn_02", types=["agent.tool_result"]))[-1]
    assert denied.is_error and denied.tool_use_id == call
    last = list(sessions.events.list("sesn_03", types=["session.status_idle"]))[-1]
    assert last.stop_reason.type == "end_turn"
    # A late result is refused.
    invalid(lambda: send("sesn_03", result))


@check
def evaluates_an_outcome():
    session = fresh()
    outcome = {"type": "user.define_outcome", "description": "A table of prices",
               "rubric": {"type": "text", "content": "Ten rows."}}
    sent = send(session.id, outcome)
    assert sent.data[0].outcome_id
    assert settled(session.id, 30).outcome_evaluations[0].result == "satisfied"


@check
def says_which_event_was_refused():
    session = fresh()
    error = refused(
        anthropic.BadRequestError,
        lambda: send(session.id, text("First."), {"type": "user.interrupt", "colour": "red"}),
    )
    assert "colour" in error.body["error"]["message"], error.body
