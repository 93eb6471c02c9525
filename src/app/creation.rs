//! Which sessions of an agent were created since: what is known of a creation whose answer was
//! lost.

use std::time::Duration;

use tokio::time::Instant;

use super::context::Context;
use crate::{
    api::SessionQuery,
    model::{ApiTime, Order, SessionHead},
};

/// How many sessions are looked at before, and after. One session can be 100 KB.
const BEFORE: u32 = 3;
const AFTER: u32 = 20;
/// What one look may take; it must not cost the call the time for the write.
const LONGEST: Duration = Duration::from_secs(3);

/// The newest sessions of an agent right before another one is created.
pub(crate) struct CreationMark {
    ids: Vec<String>,
    /// By the service's clock.
    newest: Option<ApiTime>,
}

impl CreationMark {
    /// `None` where the sessions cannot be listed.
    pub(crate) async fn take(cx: &Context, agent: &str) -> Option<Self> {
        let sessions = newest(cx, agent, BEFORE).await?;
        let newest = sessions.iter().filter_map(|session| session.created_at.clone());
        Some(Self {
            newest: newest.max_by_key(ApiTime::at),
            ids: sessions.into_iter().map(|session| session.id).collect(),
        })
    }

    /// The sessions created since; `None` where they cannot be listed.
    pub(crate) async fn created_since(
        &self,
        cx: &Context,
        agent: &str,
    ) -> Option<Vec<SessionHead>> {
        let mut sessions = newest(cx, agent, AFTER).await?;
        let before = self.newest.as_ref().and_then(ApiTime::at);
        sessions.retain(|session| {
            let at = session.created_at.as_ref().and_then(ApiTime::at);
            let is_older = matches!((at, before), (Some(at), Some(before)) if at < before);
            !is_older && !self.ids.contains(&session.id)
        });
        Some(sessions)
    }
}

/// The newest sessions of the agent; some services ignore what is asked of a list.
async fn newest(cx: &Context, agent: &str, count: u32) -> Option<Vec<SessionHead>> {
    let query = SessionQuery {
        agent_id: Some(agent.to_owned()),
        include_archived: true,
        order: Some(Order::Desc),
        limit: Some(count),
        ..SessionQuery::default()
    };
    let client = cx.client().with_deadline(cx.deadline().min(Instant::now() + LONGEST));
    let page = client.list_sessions(&query).await;
    let page = page.inspect_err(|error| tracing::debug!(%error, "the sessions cannot be listed"));
    let mut sessions = page.ok()?.body.data;
    sessions.retain(|session| {
        !session.id.is_empty() && session.agent.id.as_deref().is_none_or(|id| id == agent)
    });
    Some(sessions)
}
