"""Sessions from their creation to their end."""

from support import (
    beta, check, conflict, fresh, ids, invalid, limit, missing, send, settled, text,
)

sessions = beta.sessions


@check
def creates_with_everything():
    session = fresh(
        title="From the SDK",
        metadata={"team": "tests"},
        budget=limit("900"),
        vault_ids=["vlt_01"],
        resources=[
            {"type": "file", "file_id": "file_01"},
            {"type": "github_repository", "url": "https://github.com/example/shop"},
            {"type": "memory_store", "memory_store_id": "memstore_02"},
        ],
    )
    assert session.status == "idle" and session.title == "From the SDK"
    assert session.budget.max_list_cost.amount == "900" and session.vault_ids == ["vlt_01"]
    assert [r.type for r in session.resources] == ["file", "github_repository", "memory_store"]
    started = sessions.create(
        agent="agent_01", environment_id="env_01", initial_events=[text("Go.")]
    )
    assert started.status == "running"


@check
def creates_from_versions_and_with_overrides():
    older = sessions.create(
        agent={"type": "agent", "id": "agent_01", "version": 3}, environment_id="env_01"
    )
    assert older.agent.version == 3
    changed = sessions.create(
        agent={
            "type": "agent_with_overrides", "id": "agent_02", "version": 2,
            "model": "claude-haiku-5-5", "system": None, "tools": [], "mcp_servers": [],
            "skills": [{"type": "anthropic", "skill_id": "xlsx"}],
        },
        environment_id="env_01",
    )
    agent = changed.agent
    assert (agent.version, agent.model.id, agent.system, agent.tools) == (2, "claude-haiku-5-5", None, [])
    assert agent.skills[0].version and beta.agents.retrieve("agent_02").tools


@check
def refuses_to_create_out_of_nothing():
    def create(agent="agent_01", environment_id="env_01", **further):
        return lambda: sessions.create(agent=agent, environment_id=environment_id, **further)

    missing(create(agent="agent_x"))
    missing(create(agent={"type": "agent", "id": "agent_01", "version": 99}))
    missing(create(environment_id="env_x"), "environment_not_found")
    invalid(create(environment_id="env_03"), "environment_archived")
    missing(create(vault_ids=["vlt_x"]))
    invalid(create(vault_ids=["vlt_03"]))
    missing(create(resources=[{"type": "file", "file_id": "file_x"}]))
    invalid(create(resources=[{"type": "volume"}]))
    invalid(create(resources=[{"type": "github_repository"}]))
    invalid(create(agent={"type": "team", "id": "agent_01"}))
    invalid(create(initial_events=[{"type": "user.interrupt"}]))
    invalid(create(initial_events=[text("?")] * 51))
    outcome = {"type": "user.define_outcome", "description": "x", "rubric": {"type": "text", "content": "y"}}
    invalid(create(initial_events=[outcome, outcome]))
    invalid(create(metadata={"k" * 65: "v"}))
    invalid(create(budget=limit("0")))
    invalid(create(title=7))
    invalid(create(extra_body={"colour": "red"}))


@check
def updates_title_and_metadata():
    session = fresh(title="Before", metadata={"keep": "1", "drop": "2"})
    changed = sessions.update(session.id, title="After", metadata={"drop": None, "new": "3"})
    assert changed.title == "After" and changed.metadata == {"keep": "1", "new": "3"}
    assert changed.updated_at > session.updated_at
    assert sessions.update(session.id, title=None).title is None
    many = {f"key{n}": "v" for n in range(17)}
    invalid(lambda: sessions.update(session.id, metadata=many))
    invalid(lambda: sessions.update(session.id, metadata={"long": "v" * 513}))
    missing(lambda: sessions.update("sesn_x", title="?"))


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
    assert beta.agents.retrieve("agent_02").mcp_servers[0].name == "linear"


@check
def refuses_impossible_tools():
    session = fresh()

    def custom(name):
        return {"type": "custom", "name": name, "description": "x", "input_schema": {"type": "object"}}

    for tools in (
        [{"type": "mcp_toolset", "mcp_server_name": "nobody"}],
        [{"type": "agent_toolset_20260401"}] * 2,
        [custom("no spaces")],
        [{"type": "agent_toolset_20260401", "default_config": {"permission_policy": {"type": "never"}}}],
    ):
        invalid(lambda: sessions.update(session.id, agent={"tools": tools}))
    invalid(lambda: sessions.update(session.id, agent={"system": "x"}))
    invalid(lambda: sessions.update(session.id, vault_ids=["vlt_01"]))


@check
def keeps_the_rules_of_budgets():
    without = fresh()
    invalid(lambda: sessions.update(without.id, budget=limit("100")), "budget_create_only")
    spent = int(sessions.retrieve("sesn_13").usage.list_cost.amount)
    invalid(lambda: sessions.update("sesn_13", budget=limit(str(spent))), "budget_not_raised")
    raised = sessions.update("sesn_13", budget=limit(str(spent + 900)))
    assert raised.budget.max_list_cost.amount == str(spent + 900)
    capped = fresh(budget=limit("500"))
    assert sessions.update(capped.id, budget=None).budget is None
    invalid(lambda: sessions.update(capped.id, budget=limit("600")), "budget_create_only")
    conflict(lambda: sessions.update("sesn_07", budget=None))


@check
def refuses_what_a_running_session_cannot_do():
    conflict(lambda: sessions.archive("sesn_04"))
    conflict(lambda: sessions.delete("sesn_04"))
    conflict(lambda: sessions.update("sesn_04", agent={"tools": []}))
    assert sessions.update("sesn_04", title="Still running").status == "running"


@check
def interrupts_archives_and_deletes():
    session = fresh(title="Short-lived")
    send(session.id, text("Take your time."))
    send(session.id, {"type": "user.interrupt"})
    last = list(sessions.events.list(session.id, types=["session.status_idle"]))[-1]
    assert last.stop_reason.type == "end_turn"
    settled(session.id, 2)
    archived = sessions.archive(session.id)
    assert archived.archived_at and archived.status == "terminated"
    assert sessions.archive(session.id).archived_at == archived.archived_at
    conflict(lambda: send(session.id, text("?")))
    conflict(lambda: sessions.update(session.id, title="?"))
    assert list(sessions.events.list(session.id, types=["session.status_terminated"]))
    assert session.id not in ids(sessions.list(limit=100))
    gone = sessions.delete(session.id)
    assert gone.id == session.id and gone.type == "session_deleted"
    missing(lambda: sessions.retrieve(session.id))
    missing(lambda: sessions.delete(session.id))
    missing(lambda: sessions.archive(session.id))
