//! One call: its time, its permits, its caller.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    approval::subject::Subject,
    caller::{ApprovalChannel, Caller, Progress, Reply},
    error::{About, Error, ErrorKind},
    locks::lock,
    op::Op,
    pace::{Kind, Permits},
    trail::{OutstandingWrite, Trail},
};
use crate::{
    api::{Absence, ApiError, Client, RateLimits, RequestOptions, SessionQuery},
    domain::filter,
    model::{Session, SessionId},
};

/// A call that another one can resume stops this long before its deadline.
const RESERVE: Duration = Duration::from_secs(4);

#[derive(Clone)]
pub(crate) struct Context {
    op: Op,
    client: Client,
    permits: Permits,
    /// Without the time spent asking a person, which does not count.
    deadline: Instant,
    time_spent_asking: Arc<Mutex<Duration>>,
    caller: Arc<dyn Caller>,
    allowed_agents: Arc<[String]>,
    trail: Arc<Trail>,
    /// Bulk work finishes the sessions that it has begun when it is cancelled.
    bulk: bool,
}

impl Context {
    /// A call of `op` that must be over by `deadline`. Requests of `bulk` work use permits, and
    /// rate limits are left to the operation.
    pub(crate) fn new(
        op: Op,
        bulk: bool,
        deadline: Instant,
        client: &Client,
        permits: Permits,
        caller: Arc<dyn Caller>,
        trail: Arc<Trail>,
    ) -> Self {
        let client = if bulk {
            let client = permits.bind(client);
            client.with_options(RequestOptions {
                rate_limits: RateLimits::Return,
                ..client.options().clone()
            })
        } else {
            client.clone()
        };
        Self {
            op,
            client,
            permits,
            deadline,
            time_spent_asking: Arc::default(),
            caller,
            allowed_agents: Arc::default(),
            trail,
            bulk,
        }
    }

    /// The same call, which may work on sessions of these agents only; none means of all.
    pub(crate) fn allowing(self, agents: &[String]) -> Self {
        Self { allowed_agents: agents.into(), ..self }
    }

    /// The same call for one session of many, whose requests use these permits.
    pub(crate) fn on_session(&self, id: &SessionId, permits: Permits) -> Self {
        let trail = self.trail.on_session(id);
        Self { client: permits.bind(&self.client), permits, trail, ..self.clone() }
    }

    pub(crate) fn op(&self) -> Op {
        self.op
    }

    pub(crate) fn permits(&self) -> &Permits {
        &self.permits
    }

    pub(crate) fn client(&self) -> Client {
        self.client.with_deadline(self.deadline())
    }

    /// The client, once the rate allows bulk work one more request that reads.
    pub(crate) async fn paced_client(&self) -> Client {
        self.permits.acquire(Kind::Read).await;
        self.permits.bind(&self.client())
    }

    /// Reads one session, which must belong to an agent that the operator allows.
    pub(crate) async fn read_session(&self, id: &SessionId) -> Result<Session, Error> {
        let api = |error| Error::api(About::Session(id.clone()), error);
        let answer = match self.client().get_session(id).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.clarified(About::Session(id.clone()), error).await),
        };
        let session = answer.body;
        // The guard must not judge another session than the one that will be written.
        if session.head.id != id.as_str() {
            let cause = "the answer is about another session";
            return Err(api(ApiError::bad_response(200, cause, answer.request_id)));
        }
        if !filter::is_allowed(&self.allowed_agents, &session.head) {
            return Err(ErrorKind::AgentNotAllowed(id.clone()).into());
        }
        Ok(session)
    }

    /// A failure about one session. Where the response does not tell whether the session or the
    /// operation is missing, the list of sessions tells whether this is a Sessions API at all.
    pub(crate) async fn clarified(&self, subject: About, error: ApiError) -> Error {
        if error.absence() == Some(Absence::Unclear) {
            let query = SessionQuery { limit: Some(1), ..SessionQuery::default() };
            let list = self.client().list_sessions(&query).await;
            if list.is_err_and(|error| error.absence().is_some()) {
                return ErrorKind::Unsupported(error).into();
            }
        }
        Error::api(subject, error)
    }

    /// A failure about something of a session. Where the response does not tell what is missing,
    /// the session tells: if it is there, the operation is not.
    pub(crate) async fn clarified_by_session(
        &self,
        subject: About,
        id: &SessionId,
        error: ApiError,
    ) -> Error {
        if error.absence() == Some(Absence::Unclear) {
            return match self.read_session(id).await {
                Ok(_) => ErrorKind::Unsupported(error).into(),
                Err(error) => error,
            };
        }
        Error::api(subject, error)
    }

    /// [Reads](Self::read_session) the session where the operator named agents.
    pub(crate) async fn ensure_allowed(&self, id: &SessionId) -> Result<(), Error> {
        if !self.allowed_agents.is_empty() {
            self.read_session(id).await?;
        }
        Ok(())
    }

    /// Notes that a write is about to be sent. Fails, so that it is not sent, when the call is
    /// cancelled or that cannot be audited.
    pub(crate) fn begin_write(&self) -> Result<OutstandingWrite<'_>, Error> {
        if self.is_cancelled() && !self.bulk {
            return Err(ErrorKind::Cancelled.into());
        }
        self.trail.begin_write().map_err(|cause| {
            let path = self.trail.audited().map(|call| call.path().to_owned()).unwrap_or_default();
            ErrorKind::AuditFailed { path, cause: Arc::new(cause) }.into()
        })
    }

    /// The pause before a write that failed is decided on anew, if that is worth it and there is
    /// time for it.
    pub(crate) fn pause_before_repetition(
        &self,
        error: &ApiError,
        repetitions: u32,
    ) -> Option<Duration> {
        let pause = self.client.pause_before_repetition(error, repetitions)?;
        (Instant::now() + pause < self.deadline()).then_some(pause)
    }

    pub(crate) fn trail(&self) -> &Trail {
        &self.trail
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline + self.time_spent_asking()
    }

    pub(crate) fn time_spent_asking(&self) -> Duration {
        *lock(&self.time_spent_asking)
    }

    /// When work that another call can resume should stop.
    pub(crate) fn soft_deadline(&self) -> Instant {
        let now = Instant::now();
        let left = self.deadline().saturating_duration_since(now);
        now + left.saturating_sub((left / 5).min(RESERVE))
    }

    pub(crate) fn approval(&self) -> ApprovalChannel {
        self.caller.approval()
    }

    /// Asks a person while the call goes on; `None` if there is no reply.
    pub(crate) async fn ask(&self, subject: &Subject, timeout: Duration) -> Option<Reply> {
        let asked = Instant::now();
        // Timed here too: a host may never answer.
        let reply = tokio::time::timeout(timeout, self.caller.ask(subject, timeout)).await;
        *lock(&self.time_spent_asking) += asked.elapsed();
        reply.ok().flatten()
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.caller.cancellation().is_cancelled()
    }

    pub(crate) async fn cancelled(&self) {
        self.caller.cancellation().cancelled().await;
    }

    pub(crate) async fn progress(&self, progress: Progress) {
        self.caller.progress(progress).await;
    }
}
