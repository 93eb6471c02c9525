"""What sessions are made of: agents, environments, deployments and vaults."""

from datetime import datetime, timezone

import anthropic

from support import beta, check, conflict, ids, invalid, missing, pages_like, refused, refuses_pages

agents = beta.agents
environments = beta.environments
deployments = beta.deployments
vaults = beta.vaults
NOW = datetime.now(timezone.utc)


@check
def makes_versions_of_an_agent():
    server = {"type": "url", "name": "docs", "url": "https://mcp.example.com/mcp"}
    agent = agents.create(
        name="Scribe", model={"id": "claude-haiku-5-5", "effort": "low"}, description="Writes",
        system="Write.", metadata={"team": "tests"}, mcp_servers=[server],
        execution_identity={"type": "service_account"}, multiagent=None,
        skills=[{"type": "anthropic", "skill_id": "docx"}],
        tools=[{"type": "agent_toolset_20260401"}, {"type": "mcp_toolset", "mcp_server_name": "docs"}],
    )
    assert agent.version == 1 and agent.skills[0].version
    second = agents.update(
        agent.id, version=1, name="Writer", model="claude-opus-5-5", description="",
        system=None, metadata={"team": None, "floor": "2"}, mcp_servers=None, multiagent=None,
        execution_identity=None, skills=None, tools=[],
    )
    assert (second.version, second.name, second.metadata) == (2, "Writer", {"floor": "2"})
    assert (second.tools, second.mcp_servers, second.skills, second.system) == ([], [], [], None)
    assert [a.version for a in agents.versions.list(agent.id)] == [2, 1]
    newest = agents.versions.list(agent.id, limit=1)
    older = agents.versions.list(agent.id, limit=1, page=newest.next_page)
    assert [a.version for a in older.data] == [1]
    assert agents.retrieve(agent.id) == second and agents.retrieve(agent.id, version=1) == agent
    missing(lambda: agents.retrieve(agent.id, version=3))
    invalid(lambda: agents.retrieve(agent.id, version=0))
    conflict(lambda: agents.update(agent.id, version=1, name="Late"))
    place = environments.create(name="desk", config={"type": "cloud"})
    for version in (1, 2):
        reference = {"type": "agent", "id": agent.id, "version": version}
        session = beta.sessions.create(agent=reference, environment_id=place.id)
        assert session.agent.version == version and session.environment_id == place.id
    archived = agents.archive(agent.id)
    assert archived.archived_at and agent.id not in ids(agents.list(limit=100))
    assert agent.id in ids(agents.list(limit=100, include_archived=True))
    conflict(lambda: agents.update(agent.id, name="?"))
    invalid(lambda: beta.sessions.create(agent=agent.id, environment_id=place.id))


@check
def refuses_impossible_agents():
    def create(**fields):
        return lambda: agents.create(**{"name": "x", "model": "claude-haiku-5-5", **fields})

    def custom(number):
        return {"type": "custom", "name": f"t{number}", "description": "x", "input_schema": {"type": "object"}}

    server = {"type": "url", "name": "docs", "url": "https://mcp.example.com/mcp"}
    for fields in (
        {"name": ""},
        {"model": {"speed": "fast"}},
        {"mcp_servers": [server]},
        {"mcp_servers": [{**server, "url": "file:///etc"}]},
        {"tools": [custom(n) for n in range(257)]},
        {"system": "x" * 100_001},
        {"metadata": {"k": None}},
        {"multiagent": {"type": "coordinator", "agents": []}},
        {"extra_body": {"colour": "red"}},
    ):
        invalid(create(**fields))
    invalid(lambda: agents.update("agent_01", name=""))
    missing(lambda: agents.update("agent_x", name="?"))
    missing(lambda: agents.archive("agent_x"))
    missing(lambda: agents.retrieve("agent_x"))
    missing(lambda: agents.versions.list("agent_x"))
    assert create(tools=[custom(n) for n in range(256)])().version == 1


@check
def lists_agents():
    assert {"agent_01", "agent_05"} <= set(ids(agents.list()))
    assert agents.retrieve("agent_02").mcp_servers[0].name == "linear"
    pages_like(agents.list, ids(agents.list(limit=100)))
    refuses_pages(agents.list, 100)
    refuses_pages(lambda **page: agents.versions.list("agent_01", **page), 100)
    old = set(ids(agents.list(created_at_lte=NOW, limit=100)))
    assert "agent_01" in old and not old & set(ids(agents.list(created_at_gte=NOW, limit=100)))
    invalid(lambda: agents.list(created_at_gte="yesterday"))


@check
def makes_and_changes_environments():
    networking = {"type": "limited", "allowed_hosts": ["pypi.org"], "allow_package_managers": True}
    place = environments.create(
        name="lab", description="For tests", metadata={"team": "tests"}, scope="organization",
        config={"type": "cloud", "networking": networking, "packages": {"pip": ["ruff"]}},
    )
    assert place.config.networking.allow_mcp_servers is False and place.config.packages.pip == ["ruff"]
    assert environments.retrieve(place.id) == place
    changed = environments.update(
        place.id, name="Lab", description=None, metadata={"team": ""}, scope="organization",
        config={"type": "cloud", "networking": {"type": "unrestricted"}},
    )
    assert (changed.name, changed.description, changed.metadata) == ("Lab", None, {})
    assert changed.config.networking.type == "unrestricted" and changed.config.packages.pip == ["ruff"]
    invalid(lambda: environments.update(place.id, config={"type": "cloud", "networking": {"type": "none"}}))
    invalid(
        lambda: environments.update(place.id, config={"type": "self_hosted"}),
        "invalid_config_type_change",
    )
    assert environments.archive(place.id).archived_at
    invalid(lambda: environments.update(place.id, name="?"), "environment_archived")
    gone = environments.delete(place.id)
    assert gone.id == place.id and gone.type == "environment_deleted"
    for call in (environments.retrieve, environments.archive, environments.delete, environments.update):
        missing(lambda: call(place.id))
    conflict(lambda: environments.delete("env_01"))
    invalid(lambda: environments.create(name=""))
    own = environments.create(name="x", config={"type": "self_hosted"})
    assert own.config.type == "self_hosted"
    invalid(
        lambda: environments.update(own.id, config={"type": "cloud"}), "invalid_config_type_change"
    )
    invalid(lambda: environments.create(name="x", config={"type": "elsewhere"}))
    invalid(lambda: environments.create(name="x", scope="account"))


@check
def lists_environments():
    assert "env_03" not in ids(environments.list(limit=100))
    assert "env_03" in ids(environments.list(limit=100, include_archived=True))
    pages_like(environments.list, ids(environments.list(limit=100)))
    refuses_pages(environments.list, 100)


@check
def reads_deployments():
    assert ids(deployments.list()) == ["depl_01", "depl_02", "depl_03"]
    assert "depl_04" in ids(deployments.list(include_archived=True))
    assert ids(deployments.list(status="paused")) == ["depl_03"]
    assert ids(deployments.list(agent_id="agent_03")) == ["depl_02"]
    assert ids(deployments.list(created_at_gte=NOW)) == []
    assert len(ids(deployments.list(created_at_lte=NOW))) == 3
    pages_like(deployments.list, ids(deployments.list()))
    refuses_pages(deployments.list, 100)
    invalid(lambda: deployments.list(status="busy"))
    invalid(lambda: deployments.list(status="paused", include_archived=True))
    deployment = deployments.retrieve("depl_01")
    assert deployment.schedule.upcoming_runs_at[0] > NOW
    assert beta.sessions.list(deployment_id=deployment.id).data[0].deployment_id == deployment.id
    missing(lambda: deployments.retrieve("depl_x"))


@check
def reads_vaults():
    assert ids(vaults.list()) == ["vlt_01", "vlt_02"]
    assert "vlt_03" in ids(vaults.list(include_archived=True))
    assert vaults.retrieve("vlt_01").display_name == "Team credentials"
    pages_like(vaults.list, ids(vaults.list()))
    refuses_pages(vaults.list, 100)
    missing(lambda: vaults.retrieve("vlt_x"))


@check
def refuses_to_change_deployments_and_vaults():
    start = {
        "agent": "agent_01", "environment_id": "env_01", "name": "x", "description": "x",
        "initial_events": [], "metadata": {}, "resources": [], "vault_ids": [],
        "budget": {"type": "limit", "max_list_cost": {"amount": "100", "currency": "USD"}},
        "schedule": {"type": "cron", "expression": "0 9 * * *", "timezone": "UTC"},
    }
    not_here = lambda call: refused(anthropic.APIStatusError, call)  # noqa: E731
    not_here(lambda: deployments.create(**start))
    not_here(lambda: deployments.update("depl_01", **start))
    for call in (deployments.archive, deployments.pause, deployments.unpause, deployments.run):
        not_here(lambda: call("depl_01"))
    not_here(lambda: vaults.create(display_name="x", metadata={}))
    not_here(lambda: vaults.update("vlt_01", display_name="x", metadata={}))
    not_here(lambda: vaults.delete("vlt_01"))
    not_here(lambda: vaults.archive("vlt_01"))
    not_here(lambda: vaults.credentials.list("vlt_01"))
    not_here(lambda: environments.work.list("env_01"))
    not_here(lambda: beta.memory_stores.list())
