"""The list of sessions: pages, orders and filters."""

from datetime import datetime, timedelta, timezone

from support import beta, check, ids, invalid, refuses_pages

sessions = beta.sessions


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
def refuses_a_cursor_of_another_order_or_place():
    first = sessions.list(limit=2, order="asc")
    page, place = first.next_page, first.data[-1].created_at
    assert sessions.list(limit=2, order="asc", page=page).data
    assert sessions.list(order="asc", page=page, created_at_gte=place, statuses=["idle"]).data
    invalid(lambda: sessions.list(order="desc", page=page))
    invalid(lambda: sessions.list(order="asc", page=page, created_at_gt=place))
    invalid(lambda: sessions.list(order="asc", page=page, created_at_lt=place))
    invalid(lambda: sessions.events.list("sesn_01", page=page))


@check
def refuses_limits_and_filters_out_of_range():
    refuses_pages(sessions.list, 100)
    invalid(lambda: sessions.list(statuses=["asleep"]))
    invalid(lambda: sessions.list(order="sideways"))
    invalid(lambda: sessions.list(created_at_gt="yesterday"))
    invalid(lambda: sessions.list(agent_id="agent_01", extra_query={"agent_version": "newest"}))


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
        assert len(list(sessions.resources.list(listed.id))) == len(session.resources)
    assert {"session.error", "agent.mcp_tool_result", "agent.custom_tool_use"} <= kinds, kinds
