//! One tool call: its time budget, its progress, its cancellation.

use std::time::Duration;

use rmcp::{
    RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
    service::RequestContext,
};
use tokio::time::Instant;

use super::Failure;
use crate::{
    api::{
        Client,
        types::{Session, SessionId},
    },
    domain::{filter, text},
    server::SessionsServer,
};

/// How long past its budget a call may go on before it is given up here: the client ends its
/// requests by itself, so this is only met when something else hangs.
const GRACE: Duration = Duration::from_secs(5);

/// What a tool knows of the call it answers.
pub(crate) struct Call {
    tool: &'static str,
    client: Client,
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
            deadline,
            allowed_agents,
            context,
        }
    }

    /// The tool's name.
    pub(crate) fn tool(&self) -> &'static str {
        self.tool
    }

    /// The client, bound to this call's time.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Reads one session, which must belong to an agent the operator allows.
    pub(crate) async fn session(&self, id: &SessionId) -> Result<Session, Failure> {
        let answer = self.client.get_session(id).await;
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
