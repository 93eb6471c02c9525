//! Suggests sessions while a person types an id.

use std::time::Duration;

use tokio::{sync::Mutex, time::Instant};

use crate::{
    api::{Client, SessionQuery},
    domain::{filter, text},
    model::SessionId,
};

/// How long a list is reused: a request follows every key that a person presses.
const MAX_AGE: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(4);
const SEARCHED: u32 = 100;
const MAX_SUGGESTIONS: usize = 20;

/// A cache of the newest sessions: when they were read, and a line for each.
#[derive(Debug, Default)]
pub(crate) struct SessionSuggestions(Mutex<Option<(Instant, Vec<String>)>>);

impl SessionSuggestions {
    /// The newest sessions whose id or title contains `typed`: id, then the title in quotes.
    /// Empty if the API cannot be reached.
    pub(crate) async fn matching(
        &self,
        typed: &str,
        client: &Client,
        allowed_agents: &[String],
    ) -> Vec<String> {
        let mut cache = self.0.lock().await;
        let is_old = |(read_at, _): &(Instant, _)| read_at.elapsed() >= MAX_AGE;
        if cache.as_ref().is_none_or(is_old) {
            *cache = Some((Instant::now(), read(client, allowed_agents).await));
        }
        let typed = typed.trim().to_lowercase();
        let lines = cache.iter().flat_map(|(_, lines)| lines);
        lines
            .filter(|line| line.to_lowercase().contains(&typed))
            .take(MAX_SUGGESTIONS)
            .cloned()
            .collect()
    }
}

async fn read(client: &Client, allowed_agents: &[String]) -> Vec<String> {
    let query = SessionQuery { limit: Some(SEARCHED), ..SessionQuery::default() };
    let client = client.with_deadline(Instant::now() + TIMEOUT);
    let answer = client.list_sessions(&query).await;
    let answer = answer.inspect_err(|error| tracing::debug!(%error, "no sessions to suggest"));
    let sessions = answer.map(|answer| answer.body.data).unwrap_or_default();
    let allowed = (sessions.iter()).filter(|session| filter::is_allowed(allowed_agents, session));
    allowed
        .filter_map(|session| {
            // What no call would take is no suggestion.
            let id = SessionId::parse(&session.id).ok()?;
            Some(match session.title.as_deref().filter(|title| !title.is_empty()) {
                Some(title) => format!("{id} {}", text::quoted(title)),
                None => id.to_string(),
            })
        })
        .collect()
}
