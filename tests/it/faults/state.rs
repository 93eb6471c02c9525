//! The true state of the service, read from the sandbox past the server and past every fault.

use std::collections::{BTreeMap, BTreeSet};

use managed_sessions_mcp::sandbox::Sandbox;
use serde_json::{Value, json};

use super::{
    calls::{Call, Effect, SAID},
    gateway::ask,
};

/// What a call can change of a session.
const FIELDS: [&str; 6] = ["status", "title", "metadata", "agent", "budget", "archived_at"];

/// The [`FIELDS`] of each session by its id; the time of archiving is whether there is one.
pub(crate) struct ServiceState(BTreeMap<String, Value>);

impl ServiceState {
    /// After a call that says something, also whether that is in the history of its session.
    pub(crate) async fn after(sandbox: &Sandbox, call: &Call) -> Self {
        let mut state = Self::of(sandbox).await;
        if let (Effect::Said, [id]) = (call.effect, call.sessions) {
            let path = format!("/v1/sessions/{id}/events?limit=1000");
            let (_, events) = ask(sandbox, "GET", &path, &Value::Null).await;
            if let Some(session) = state.0.get_mut(*id) {
                session["said"] = events.to_string().contains(SAID).into();
            }
        }
        state
    }

    pub(crate) async fn of(sandbox: &Sandbox) -> Self {
        let list = "/v1/sessions?include_archived=true&limit=100";
        let (status, list) = ask(sandbox, "GET", list, &Value::Null).await;
        assert_eq!(status, "200", "{list}");
        let sessions = list["data"].as_array().expect("sessions").iter();
        // This one ends by itself after a while.
        let sessions = sessions.filter(|session| session["id"] != "sesn_15");
        let sessions = sessions.map(|session| {
            let fields = FIELDS.iter();
            let fields = fields.map(|field| ((*field).to_owned(), session[field].clone()));
            let mut kept: Value = fields.collect();
            kept["archived_at"] = session["archived_at"].is_string().into();
            (session["id"].as_str().expect("an id").to_owned(), kept)
        });
        Self(sessions.collect())
    }

    pub(crate) fn exists(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// Whether the effect can be seen on the session.
    pub(crate) fn shows(&self, effect: Effect, id: &str) -> bool {
        let Some(session) = self.0.get(id) else {
            return effect == Effect::Deleted;
        };
        match effect {
            Effect::Unchanged => true,
            Effect::Deleted => false,
            Effect::Archived => session["archived_at"] == true,
            Effect::Idle => session["status"] == "idle",
            Effect::Renamed => {
                session["title"] == "Renamed" && session["metadata"]["team"] == "faults"
            }
            Effect::Said => session["said"] == true,
            Effect::WithoutToolset => {
                !session["agent"]["tools"].to_string().contains("agent_toolset_20260401")
            }
            Effect::WithoutTools => session["agent"]["tools"] == json!([]),
        }
    }

    /// The sessions that were not there.
    pub(crate) fn new_since<'a>(&'a self, before: &Self) -> BTreeSet<&'a str> {
        self.0.keys().filter(|id| !before.exists(id)).map(String::as_str).collect()
    }

    /// The sessions that differ.
    pub(crate) fn changed_since<'a>(&'a self, before: &'a Self) -> BTreeSet<&'a str> {
        let ids = before.0.keys().chain(self.0.keys());
        ids.filter(|id| before.0.get(*id) != self.0.get(*id)).map(String::as_str).collect()
    }
}
