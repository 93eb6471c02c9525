//! The newest sessions, proposed while a person types an id.

use std::time::Duration;

use tokio::{sync::Mutex, time::Instant};

use crate::{
    api::{Client, SessionQuery},
    domain::{filter, text},
};

/// How long the newest sessions stay the newest: a person types a letter after the other.
const FRESH: Duration = Duration::from_secs(10);
/// How long a person waits for proposals.
const PATIENCE: Duration = Duration::from_secs(4);
/// How many are looked through, and how many are proposed.
const SESSIONS: u32 = 100;
const PROPOSED: usize = 20;

/// The newest sessions, as they were some seconds ago at most.
#[derive(Debug, Default)]
pub(crate) struct Newest(Mutex<Option<(Instant, Vec<String>)>>);

impl Newest {
    /// Those whose id or title contains what was typed: id, then the title in quotes. None where
    /// the API cannot be asked; completing is a courtesy.
    pub(crate) async fn like(
        &self,
        typed: &str,
        client: &Client,
        allowed: &[String],
    ) -> Vec<String> {
        let mut kept = self.0.lock().await;
        let fresh = kept.as_ref().filter(|(read, _)| read.elapsed() < FRESH);
        if fresh.is_none() {
            *kept = Some((Instant::now(), read(client, allowed).await));
        }
        let typed = typed.trim().to_lowercase();
        let all = kept.iter().flat_map(|(_, lines)| lines);
        all.filter(|line| line.to_lowercase().contains(&typed))
            .take(PROPOSED)
            .cloned()
            .collect()
    }
}

async fn read(client: &Client, allowed: &[String]) -> Vec<String> {
    let query = SessionQuery {
        limit: Some(SESSIONS),
        ..SessionQuery::default()
    };
    let client = client.with_deadline(Instant::now() + PATIENCE);
    let sessions = match client.list_sessions(&query).await {
        Ok(answer) => answer.body.data,
        Err(error) => {
            tracing::debug!(%error, "no sessions to propose");
            return Vec::new();
        }
    };
    let shown = sessions
        .iter()
        .filter(|session| filter::is_allowed(allowed, session));
    shown
        .map(|session| {
            let id = text::visible(&session.id);
            match session.title.as_deref().filter(|title| !title.is_empty()) {
                Some(title) => format!("{id} {}", text::quoted(title)),
                None => id.into_owned(),
            }
        })
        .collect()
}
