//! What is in a new sandbox. Ids are always the same; times count back from the start.

mod bulk;
mod reference;
mod script;
mod threads;

use std::{collections::BTreeMap, fmt::Write as _, io, time::Duration};

use jiff::{Span, SpanRelativeTo};
use serde::Deserialize;
use serde_json::{Value, json};

use self::script::{Step, usage};
use super::{
    agent::{Agent, Prompt, versions::AgentVersions},
    clock::Timestamp,
    environment::Environment,
    json::with_field,
    rejection::Rejection,
    session::{Session, Usage},
    store::Store,
};

#[derive(Debug, Deserialize)]
struct Seed {
    environments: Vec<EnvironmentSeed>,
    agents: Vec<AgentSeed>,
    sessions: Vec<SessionSeed>,
    bulk: bulk::Words,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvironmentSeed {
    id: String,
    /// As in a request that creates it.
    body: Value,
    #[serde(default)]
    archived: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentSeed {
    id: String,
    version: u64,
    /// As in a request that creates it.
    body: Value,
    multiagent: Option<Value>,
    /// Whether the system prompt is the handbook of 100 KB.
    #[serde(default)]
    handbook: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionSeed {
    /// Without the prefix.
    id: String,
    title: Option<String>,
    agent: String,
    environment: Option<String>,
    deployment: Option<String>,
    /// Such as `2d 5h`.
    age: String,
    cents: u64,
    #[serde(default)]
    web_searches: u64,
    budget_cents: Option<u64>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    resources: Vec<Value>,
    /// Seconds from the start until its turn ends by itself.
    ends_after: Option<u64>,
    /// Steps, each with its seconds since the creation.
    history: Vec<(u64, Step)>,
}

/// Adds all agents and environments, the seeded sessions on request, and `bulk` further ones,
/// large or small.
///
/// # Errors
/// If the seed is malformed or breaks a rule of the service.
pub(super) fn load(
    store: &mut Store,
    sessions: bool,
    bulk: usize,
    small: bool,
    endings: bool,
) -> io::Result<()> {
    let invalid = |rejection: Rejection| io::Error::other(rejection.message);
    let seed: Seed = serde_json::from_str(include_str!("seed/data.json"))?;
    let now = store.clock.stamp();
    let setup = now.minus(Duration::from_secs(200 * 24 * 60 * 60));
    for seed in seed.environments {
        let mut environment =
            Environment::create(seed.id.clone(), &seed.body, setup).map_err(invalid)?;
        if seed.archived {
            environment.archive(now);
        }
        store.environments.insert(seed.id, environment);
    }
    for seed in seed.agents {
        let mut agent = Agent::create(&seed.id, &seed.body).map_err(invalid)?;
        agent.version = seed.version;
        agent.multiagent = seed.multiagent;
        if seed.handbook {
            agent.system = Prompt::new(&handbook());
        }
        store.agents.insert(seed.id, AgentVersions::seeded(&agent, setup));
    }
    reference::load(store, setup, now)?;
    for seed in seed.sessions.into_iter().filter(|_| sessions) {
        let agent = store.agent_for_session(&seed.agent).map_err(invalid)?;
        let ends_after = seed.ends_after.filter(|_| endings).map(Duration::from_secs);
        let mut session = seed.session(agent, now).map_err(io::Error::other)?;
        if let Some(after) = ends_after {
            session.end_turn_after(&store.clock, after);
        }
        store.add_session(session);
    }
    let agent = if small { "agent_01" } else { "agent_04" };
    bulk::add(store, &seed.bulk, bulk, agent).map_err(invalid)
}

impl SessionSeed {
    fn session(self, agent: Agent, now: Timestamp) -> Result<Session, jiff::Error> {
        let age: Span = self.age.parse()?;
        let age = age.to_duration(SpanRelativeTo::days_are_24_hours())?;
        let created_at = now.minus(age.unsigned_abs());
        let environment = self.environment.as_deref().unwrap_or("env_01");
        let mut session = Session::new(&self.id, agent.into(), environment, created_at);
        session.title = self.title;
        session.deployment_id = self.deployment;
        session.budget_cents = self.budget_cents;
        session.metadata = self.metadata;
        let with_times = |resource: Value| {
            let time = resource.get("id").map(|_| json!(created_at));
            let resource = with_field(resource, "created_at", time.clone());
            with_field(resource, "updated_at", time)
        };
        session.resources = self.resources.into_iter().map(with_times).collect();
        let steps = self.history.len() as u64;
        for (done, (seconds, step)) in (1..).zip(self.history) {
            let active_seconds = session.usage.active_seconds;
            let web_searches = self.web_searches * done / steps;
            session.usage = usage(self.cents * done / steps);
            session.usage = Usage { web_searches, active_seconds, ..session.usage };
            session.play(seconds, step);
        }
        Ok(session)
    }
}

/// A prompt of almost 100,000 characters, like those of real agents.
fn handbook() -> String {
    let mut text = String::with_capacity(100_000);
    text.push_str("You answer questions about travel expenses from this handbook.\n");
    let mut section = 0;
    while text.len() < 97_500 {
        section += 1;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "\n{section}. Trips of class {section} are approved by the head of the department \
             before they are booked; receipts above {} EUR are handed in within {} days, with the \
             cost centre and the purpose of the trip on the form.",
            20 + section % 60,
            7 + section % 21,
        );
    }
    text
}
