//! One tool call: its time budget, its progress, its cancellation.

use std::time::Duration;

use jiff::Timestamp;
use rmcp::{
    RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
    service::RequestContext,
};
use serde::Serialize;
use tokio::time::Instant;

use super::Failure;
use crate::{
    api::{
        Client,
        types::{Session, SessionId},
    },
    cursor::Question,
    domain::{filter, text},
    pace::Pace,
    server::SessionsServer,
};

/// How long past its budget a call may go on before it is given up here: the client ends its
/// requests by itself, so this is only met when something else hangs.
const GRACE: Duration = Duration::from_secs(5);

/// How long before the end of its budget a call stops what can be continued.
const TO_SPARE: Duration = Duration::from_secs(4);

/// What a tool knows of the call it answers.
pub(crate) struct Call {
    tool: &'static str,
    client: Client,
    pace: Pace,
    deadline: Instant,
    allowed_agents: Vec<String>,
    context: RequestContext<RoleServer>,
}

impl Call {
    pub(super) fn new(
        tool: &'static str,
        server: &SessionsServer,
        context: RequestContext<RoleServer>,
    ) -> Self {
        let deadline = Instant::now() + server.config().timeout;
        let allowed_agents = server.config().allowed_agents.clone();
        Self {
            tool,
            client: server.client().until(deadline),
            pace: server.pace().clone(),
            deadline,
            allowed_agents,
            context,
        }
    }

    /// The tool's name.
    pub(crate) fn tool(&self) -> &'static str {
        self.tool
    }

    /// The client, bound to this call's time. Each use is taken from the rate allowed, without
    /// being held up by it.
    pub(crate) fn client(&self) -> &Client {
        self.pace.note();
        &self.client
    }

    /// Reads one session, which must belong to an agent the operator allows.
    pub(crate) async fn session(&self, id: &SessionId) -> Result<Session, Failure> {
        let answer = self.client().get_session(id).await;
        let session = answer
            .map_err(|error| Failure::api(&format!("session {id}"), &error))?
            .body;
        if !filter::is_allowed(&self.allowed_agents, &session.head) {
            return Err(Failure::agent_not_allowed(id));
        }
        Ok(session)
    }

    /// When the whole call must be over.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// When work that can be continued should stop, so that its answer is in time.
    pub(crate) fn soon(&self) -> Instant {
        let now = Instant::now();
        let left = self.deadline.saturating_duration_since(now);
        now + left.saturating_sub((left / 5).min(TO_SPARE))
    }

    /// Fails if the session belongs to an agent the operator does not allow, or is gone. Asks
    /// only where the operator named agents.
    pub(crate) async fn allows(&self, id: &SessionId) -> Result<(), Failure> {
        if self.allowed_agents.is_empty() {
            return Ok(());
        }
        self.session(id).await.map(drop)
    }

    /// What this tool is asked, for the first time or continued by a cursor.
    pub(crate) fn question(
        &self,
        server: &SessionsServer,
        arguments: &impl Serialize,
        page: Option<&str>,
        now: Timestamp,
    ) -> Result<Question, Failure> {
        Question::read(server.cursors(), self.tool, arguments, page, now)
            .map_err(|bad| Failure::bad_cursor(self.tool, bad))
    }

    /// Runs the tool until it answers, the caller cancels, or the time is long up.
    pub(super) async fn fenced<T>(
        &self,
        answer: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.context.ct.cancelled() => Err(Failure::cancelled(self.tool)),
            answer = tokio::time::timeout_at(self.deadline + GRACE, answer) => {
                answer.unwrap_or_else(|_| Err(Failure::call_timed_out(self.tool)))
            }
        }
    }

    /// Tells the caller how far this call is, if it asked to be told. `total` may be unknown.
    pub(crate) async fn progress(&self, done: f64, total: Option<f64>, message: String) {
        let Some(token) = self.progress_token() else {
            return;
        };
        let mut progress = ProgressNotificationParam::new(token, done)
            .with_message(text::visible(&message).into_owned());
        progress.total = total;
        if let Err(error) = self.context.peer.notify_progress(progress).await {
            tracing::debug!(%error, "the caller could not be told of the progress");
        }
    }

    fn progress_token(&self) -> Option<ProgressToken> {
        self.context.meta.get_progress_token()
    }
}
