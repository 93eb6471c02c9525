"""Threads of sessions with several agents."""

from support import beta, check, conflict, ids, invalid, missing, pages_like, refuses_pages, send

sessions = beta.sessions
threads = sessions.threads
CREW = "sesn_12"


def children(**filters):
    return [thread for thread in threads.list(CREW, **filters) if thread.parent_thread_id]


@check
def shows_the_threads_of_several_agents():
    whole = list(threads.list(CREW))
    primary = [thread for thread in whole if thread.parent_thread_id is None]
    assert len(primary) == 1 and len(whole) > 1
    assert all(thread.parent_thread_id == primary[0].id for thread in children())
    for thread in whole:
        same = threads.retrieve(thread.id, session_id=CREW)
        assert (same.id, same.agent, same.created_at) == (thread.id, thread.agent, thread.created_at)
    pages_like(lambda **page: threads.list(CREW, **page), ids(whole))
    running = list(threads.list(CREW, statuses=["running"]))
    assert running and {thread.status for thread in running} == {"running"}
    assert {t.id for t in threads.list(CREW, statuses=["idle", "running"])} >= {t.id for t in running}


@check
def shows_a_childs_events_in_its_own_list():
    for thread in children():
        whole = [event.id for event in threads.events.list(thread.id, session_id=CREW)]
        assert whole, thread.id
        pages_like(lambda **page: threads.events.list(thread.id, session_id=CREW, **page), whole)
        # The session's list is a condensed view.
        condensed = {event.id for event in sessions.events.list(CREW)}
        assert not set(whole) <= condensed


@check
def refuses_threads_that_are_not_there():
    thread = children()[0].id
    for session, wrong in ((CREW, "sthr_x"), ("sesn_01", thread), ("sesn_x", thread)):
        missing(lambda: threads.retrieve(wrong, session_id=session))
        missing(lambda: threads.archive(wrong, session_id=session))
        missing(lambda: threads.events.list(wrong, session_id=session))
        missing(lambda: threads.events.stream(wrong, session_id=session))
    missing(lambda: threads.list("sesn_x"))
    invalid(lambda: threads.list(CREW, statuses=["asleep"]))
    refuses_pages(lambda **page: threads.list(CREW, **page), 1000)
    refuses_pages(lambda **page: threads.events.list(thread, session_id=CREW, **page), 1000)


@check
def interrupts_one_thread_streams_it_and_archives_it():
    running = children(statuses=["running"])[0]
    conflict(lambda: threads.archive(running.id, session_id=CREW))
    deltas = ["agent.message"]
    with threads.events.stream(running.id, session_id=CREW, event_deltas=deltas) as stream:
        send(CREW, {"type": "user.interrupt", "session_thread_id": running.id})
        assert next(iter(stream)).id
    assert sessions.retrieve(CREW).status == "running"
    assert threads.retrieve(running.id, session_id=CREW).status == "idle"
    archived = threads.archive(running.id, session_id=CREW)
    assert archived.archived_at and archived.id == running.id
