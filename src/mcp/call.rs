//! One tool call: its time budget, its progress, its cancellation.

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use jiff::Timestamp;
use rmcp::{
    RoleServer,
    handler::server::tool::ToolCallContext,
    model::{
        ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationSchema, InputRequest,
        InputRequests, InputRequiredResult, InputResponses, ProgressNotificationParam,
        ProgressToken, ProtocolVersion,
    },
    service::RequestContext,
};
use serde::Serialize;
use tokio::{sync::OwnedMutexGuard, time::Instant};

use crate::{
    api::{ApiError, Client, RateLimits, RequestOptions},
    app::{approval::PATIENCE, cursor::Question, pace::Allowance},
    domain::{filter, text},
    explain::Failure,
    mcp::{
        server::SessionsServer,
        tools::{Effect, SessionsTool},
    },
    model::{Session, SessionId},
};

/// How long past its budget, and the time a person may take, a call may go on before it is given
/// up here: the client ends its requests by itself, so this is only met when something else hangs.
const GRACE: Duration = Duration::from_secs(5);

/// How long a call works that can be continued by another: hosts give up on calls after 60 s.
const LONGEST_BULK: Duration = Duration::from_secs(40);

/// How long before the end of its budget a call stops what can be continued.
const TO_SPARE: Duration = Duration::from_secs(4);

/// What a tool knows of the call it answers.
pub(crate) struct Call {
    tool: &'static str,
    /// It stops by itself when it is cancelled.
    runs_on: bool,
    client: Client,
    /// The turns it has taken.
    allowance: Allowance,
    deadline: Instant,
    allowed_agents: Vec<String>,
    context: RequestContext<RoleServer>,
    /// The newest request that was to change something.
    write_request: Arc<Mutex<Option<String>>>,
    /// What the host carried back with a person's answer.
    state: Option<String>,
    answers: Option<InputResponses>,
    /// What the host is to ask before it makes this call again.
    question: Mutex<Option<InputRequiredResult>>,
    /// Set once a person was waited for: their time, and the client bound to the later deadline.
    pause: OnceLock<(Duration, Client)>,
}

/// How the person behind the host can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Person {
    /// By a request to the host, while the call goes on.
    InThisCall,
    /// By an answer that makes the host ask and call again.
    BetweenCalls,
    /// Not at all.
    Unreachable,
}

/// The name of the one question.
const QUESTION: &str = "confirm";

impl Call {
    pub(crate) fn new<T: SessionsTool>(context: ToolCallContext<'_, SessionsServer>) -> Self {
        let server = context.service;
        let longest = if T::BULK { LONGEST_BULK } else { Duration::MAX };
        let deadline = Instant::now() + server.config().timeout.min(longest);
        let client = server.client().with_deadline(deadline);
        let allowance = server.pace().allowance();
        let allowed_agents = server.config().allowed_agents.clone();
        Self {
            tool: T::NAME,
            runs_on: T::BULK && T::EFFECT != Effect::Reads,
            client: if T::BULK {
                client.with_options(RequestOptions {
                    on_request: Some(allowance.counter()),
                    rate_limits: RateLimits::Return,
                    ..client.options().clone()
                })
            } else {
                client
            },
            allowance,
            deadline,
            allowed_agents,
            context: context.request_context,
            write_request: Arc::default(),
            state: context.request_state,
            answers: context.input_responses,
            question: Mutex::default(),
            pause: OnceLock::new(),
        }
    }

    /// The same call for one session of many, whose requests use turns taken for it.
    pub(crate) fn with(&self, allowance: Allowance) -> Self {
        Self {
            tool: self.tool,
            runs_on: self.runs_on,
            client: self.counted_by(&allowance),
            allowance,
            deadline: self.deadline(),
            allowed_agents: self.allowed_agents.clone(),
            context: self.context.clone(),
            write_request: Arc::clone(&self.write_request),
            state: None,
            answers: None,
            question: Mutex::default(),
            pause: OnceLock::new(),
        }
    }

    /// The turns taken for it.
    pub(crate) fn allowance(&self) -> &Allowance {
        &self.allowance
    }

    /// The tool's name.
    pub(crate) fn tool(&self) -> &'static str {
        self.tool
    }

    /// The client, bound to this call's time. Its requests are taken from the rate allowed,
    /// without being held up by it; bulk work takes its turns before.
    pub(crate) fn client(&self) -> &Client {
        self.pause.get().map_or(&self.client, |(_, client)| client)
    }

    /// The same for bulk work, which waits until the rate allows one more request.
    pub(crate) async fn paced(&self) -> Client {
        self.allowance.fill().await;
        self.counted_by(&self.allowance)
    }

    fn counted_by(&self, allowance: &Allowance) -> Client {
        let client = self.client();
        client.with_options(RequestOptions {
            on_request: Some(allowance.counter()),
            ..client.options().clone()
        })
    }

    /// Reads one session, which must belong to an agent the operator allows.
    pub(crate) async fn session(&self, id: &SessionId) -> Result<Session, Failure> {
        let about = format!("session {id}");
        let answer = self.client().get_session(id).await;
        let answer = answer.map_err(|error| Failure::api(&about, &error))?;
        let session = answer.body;
        // Guards must not judge another session than the one that will be written.
        if session.head.id != id.as_str() {
            let cause = "the answer is about another session";
            let error = ApiError::bad_response(200, cause, answer.request_id);
            return Err(Failure::api(&about, &error));
        }
        if !filter::is_allowed(&self.allowed_agents, &session.head) {
            return Err(Failure::agent_not_allowed(id));
        }
        Ok(session)
    }

    /// Keeps the API's id of a request that changed something, for the audit log.
    pub(crate) fn note_write(&self, request_id: Option<&str>) {
        let mut newest = self.write_request.lock();
        let newest = newest.as_deref_mut().ok();
        if let (Some(newest), Some(id)) = (newest, request_id) {
            *newest = Some(id.to_owned());
        }
    }

    /// The id that was noted last.
    pub(crate) fn noted_write(&self) -> Option<String> {
        self.write_request.lock().ok()?.clone()
    }

    /// When the whole call must be over. Time spent waiting for a person does not count.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline + self.paused()
    }

    /// How long a person was waited for.
    pub(crate) fn paused(&self) -> Duration {
        self.pause.get().map_or(Duration::ZERO, |(time, _)| *time)
    }

    /// How the person behind the host can be asked.
    pub(crate) fn person(&self) -> Person {
        let capabilities = self.context.client_capabilities();
        let elicitation = capabilities.and_then(|client| client.elicitation);
        // Declared without a mode it means forms.
        if !elicitation.is_some_and(|ways| ways.form.is_some() || ways.url.is_none()) {
            return Person::Unreachable;
        }
        match self.context.protocol_version() {
            // It was asked to ask, and came back without an answer.
            _ if self.state.is_some() => Person::Unreachable,
            Some(version) if version >= ProtocolVersion::V_2026_07_28 => Person::BetweenCalls,
            _ => Person::InThisCall,
        }
    }

    /// Asks for a yes, and waits for at most `patience`; `None` when there is no answer. Once a
    /// call.
    pub(crate) async fn ask(&self, question: &str, patience: Duration) -> Option<ElicitResult> {
        let asked = Instant::now();
        let request = self
            .context
            .peer
            .create_elicitation_with_timeout(form(question), Some(patience));
        // Also timed here: a host may leave the request lying without an error.
        let answer = tokio::time::timeout(patience, request).await;
        let waited = asked.elapsed();
        let client = self.client.with_deadline(self.deadline + waited);
        let _ = self.pause.set((waited, client));
        match answer {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the host could not ask");
                None
            }
            Err(_) => None,
        }
    }

    /// Makes the call end with a question to the host, which calls again with the answer and
    /// `state`. The failure stops what is under way and is not shown.
    pub(crate) fn ask_first(&self, question: &str, state: String) -> Failure {
        let request = InputRequest::Elicitation(ElicitRequest::new(form(question)));
        let requests = InputRequests::from([(QUESTION.to_owned(), request)]);
        if let Ok(mut slot) = self.question.lock() {
            *slot = Some(InputRequiredResult::new(Some(requests), Some(state)));
        }
        Failure::input_required(self.tool)
    }

    /// The question this call ends with, if it does.
    pub(crate) fn ends_asking(&self) -> Option<InputRequiredResult> {
        self.question.lock().ok()?.take()
    }

    /// What a person answered before this call was made again, with the state carried back.
    pub(crate) fn answered(&self) -> Option<(String, ElicitResult)> {
        let answer = self.answers.as_ref()?.get(QUESTION)?;
        let answer = serde_json::from_value(answer.clone()).ok()?;
        Some((self.state.clone()?, answer))
    }

    /// Waits until no other call of this server writes the session, for as long as that leaves
    /// time to write it.
    pub(crate) async fn turn(
        &self,
        server: &SessionsServer,
        id: &SessionId,
    ) -> Result<OwnedMutexGuard<()>, Failure> {
        let turn = tokio::time::timeout_at(self.soon(), server.turns().take(id)).await;
        turn.map_err(|_| Failure::turn_timed_out(self.tool, id))
    }

    /// When work that can be continued should stop, so that its answer is in time.
    pub(crate) fn soon(&self) -> Instant {
        let now = Instant::now();
        let left = self.deadline().saturating_duration_since(now);
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
    pub(crate) async fn fenced<T>(
        &self,
        answer: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let end = self.deadline + GRACE + PATIENCE;
        tokio::select! {
            biased;
            () = self.context.ct.cancelled(), if !self.runs_on => {
                Err(Failure::cancelled(self.tool))
            }
            answer = tokio::time::timeout_at(end, answer) => {
                answer.unwrap_or_else(|_| Err(Failure::call_timed_out(self.tool)))
            }
        }
    }

    /// Whether the caller has taken the call back.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.context.ct.is_cancelled()
    }

    /// Waits until the caller takes the call back.
    pub(crate) async fn cancelled(&self) {
        self.context.ct.cancelled().await;
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

/// A form of one box to tick.
fn form(question: &str) -> ElicitRequestParams {
    let schema = ElicitationSchema::builder()
        .required_bool_with(QUESTION, |field| {
            field.title("Yes, do it").description("It cannot be undone")
        })
        .build_unchecked();
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: text::visible(question).into_owned(),
        requested_schema: schema,
    }
}
