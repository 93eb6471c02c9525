//! The one way in: audit, time limit, cancellation and panic fence around every operation,
//! whatever adapter calls it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    approval::{APPROVAL_TIMEOUT, Seal},
    audit::{AuditLog, End, Ended, Target},
    caller::Caller,
    context::Context,
    error::{Error, ErrorKind},
    op::Op,
    services::Services,
    settings::Settings,
    trail::{Entry, Trail},
};
use crate::domain::code::Code;

/// A call is given up this long after its deadline and the time a person may take, which happens
/// only when something hangs: requests end at the deadline.
const GRACE: Duration = Duration::from_secs(5);

/// How long a call works that another one can resume: hosts give up on calls after 60 s.
const LONGEST_BULK: Duration = Duration::from_secs(40);

pub(crate) struct App {
    services: Result<Services, Error>,
    audit: Option<AuditLog>,
    timeout: Duration,
    /// How many calls of writing tools are running.
    running: watch::Sender<usize>,
}

/// One call, as far as what surrounds it is concerned.
#[derive(Debug, Clone, Default)]
pub(crate) struct Invocation {
    /// It may change something, so that it is audited.
    pub writes: bool,
    /// It works on many sessions: it waits for permits, ends within 40 s, and, where it writes,
    /// stops between two sessions when it is cancelled.
    pub bulk: bool,
    pub target: Target,
}

pub(crate) type Operation<'a, T> = BoxFuture<'a, Result<T, Error>>;

impl App {
    /// The operations under these settings; with a `problem` in the settings, every call fails
    /// with it, since even where to send requests may be part of what is not known.
    pub(crate) fn new(
        settings: Settings,
        problem: Option<String>,
        seal: Option<Box<dyn Seal>>,
    ) -> Self {
        Self {
            audit: settings.audit_log.clone().map(AuditLog::new),
            timeout: settings.timeout,
            running: watch::Sender::new(0),
            services: match problem {
                Some(problem) => Err(ErrorKind::InvalidConfiguration(problem).into()),
                None => Ok(Services::new(settings, seal)),
            },
        }
    }

    pub(crate) fn services(&self) -> Result<&Services, &Error> {
        self.services.as_ref()
    }

    /// Runs one operation. `outcome` is what the audit log notes of an answer.
    pub(crate) async fn run<T: Send>(
        &self,
        op: Op,
        invocation: Invocation,
        caller: Arc<dyn Caller>,
        outcome: fn(&T) -> Option<String>,
        operation: impl for<'a> FnOnce(&'a Services, &'a Context) -> Operation<'a, T> + Send,
    ) -> Result<T, Error> {
        let Some(log) = self.audit.as_ref().filter(|_| invocation.writes) else {
            return self.limited(op, &invocation, caller, &Trail::new(None), operation).await;
        };
        let call = log.call(op, invocation.target.clone(), caller.client());
        let trail = Trail::new(Some(call));
        let entry = Entry::of(&trail);
        if let Err(cause) = log.ensure_writable() {
            let (path, cause) = (log.path().to_owned(), Arc::new(cause));
            let error = Error::new(ErrorKind::AuditFailed { path, cause });
            entry.end(Ended::of(End::Code(error.code())));
            return Err(error);
        }
        let result = self.limited(op, &invocation, caller, &trail, operation).await;
        let last_write = trail.last_write();
        let (end, request_id, in_doubt) = match &result {
            Ok(answer) => {
                let outcome = outcome(answer).unwrap_or_else(|| "answered".to_owned());
                (End::Outcome(outcome), None, false)
            }
            // Nothing failed: the adapter asks a person and makes the call again.
            Err(error) if matches!(error.kind(), ErrorKind::InputRequired(_)) => {
                (End::Outcome(error.code().to_string()), None, false)
            }
            Err(error) => (End::Code(error.code()), error.request_id(), error.is_in_doubt()),
        };
        let request_id = request_id.or(last_write.as_deref());
        entry.end(Ended { end, request_id, in_doubt });
        result
    }

    /// Notes in the audit log that a writing call was refused before it could be run.
    pub(crate) fn audit_refusal(&self, op: Op, code: Code) {
        if let Some(log) = &self.audit {
            log.call(op, Target::default(), None).ended(Ended::of(End::Code(code)));
        }
    }

    async fn limited<T: Send>(
        &self,
        op: Op,
        invocation: &Invocation,
        caller: Arc<dyn Caller>,
        trail: &Arc<Trail>,
        operation: impl for<'a> FnOnce(&'a Services, &'a Context) -> Operation<'a, T>,
    ) -> Result<T, Error> {
        let services = match &self.services {
            Ok(services) => services,
            Err(error) => return Err(error.clone()),
        };
        let &Invocation { writes, bulk, .. } = invocation;
        let _running = writes.then(|| Running::begin(&self.running));
        let longest = if bulk { LONGEST_BULK } else { Duration::MAX };
        let deadline = Instant::now() + self.timeout.min(longest);
        let cancellation = caller.cancellation().clone();
        let cx = Context::new(
            op,
            bulk,
            deadline,
            &services.client,
            services.pacer.permits(),
            caller,
            Arc::clone(trail),
        )
        .allowing(&services.settings.allowed_agents);
        // Bulk writes notice a cancellation by themselves, between two sessions.
        let stops_by_itself = bulk && writes;
        let end = deadline + GRACE + APPROVAL_TIMEOUT;
        let cancelled = async {
            cancellation.cancelled().await;
            // Nothing more is sent; what was sent is looked after until its end is known.
            if trail.has_begun() {
                sleep(GRACE).await;
            }
        };
        let running = AssertUnwindSafe(operation(services, &cx)).catch_unwind();
        let result = tokio::select! {
            biased;
            () = cancelled, if !stops_by_itself => Err(ErrorKind::Cancelled.into()),
            ended = tokio::time::timeout_at(end, running) => match ended {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => {
                    tracing::error!(operation = op.name(), "an operation panicked");
                    Err(ErrorKind::Internal.into())
                }
                Err(_) => Err(ErrorKind::CallTimedOut.into()),
            },
        };
        result.map_err(|error: Error| {
            let error = services.deletions.recall(error);
            if trail.is_in_doubt() { error.after_abandoned_write() } else { error }
        })
    }

    /// Waits until no call of a writing tool is running, at most as long as such a call goes on
    /// once it is cancelled.
    pub(crate) async fn drain(&self) {
        let mut running = self.running.subscribe();
        let drained = tokio::time::timeout(GRACE, running.wait_for(|&count| count == 0));
        if drained.await.is_err() {
            tracing::warn!("calls of writing tools are still running");
        }
    }
}

/// A call of a writing tool that is running.
struct Running<'a>(&'a watch::Sender<usize>);

impl<'a> Running<'a> {
    fn begin(running: &'a watch::Sender<usize>) -> Self {
        running.send_modify(|count| *count += 1);
        Self(running)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, sync::Arc, time::Duration};

    use futures_util::FutureExt as _;
    use tokio_util::sync::CancellationToken;

    use super::{App, Invocation};
    use crate::{
        api,
        app::{
            caller::Caller,
            op::Op,
            settings::{Confirm, Pauses, Settings},
        },
        domain::code::Code,
    };

    impl Caller for CancellationToken {
        fn cancellation(&self) -> &CancellationToken {
            self
        }
    }

    fn app(problem: Option<&str>) -> App {
        let settings = Settings {
            api: api::Settings::default(),
            timeout: Duration::from_secs(45),
            allowed_agents: Vec::new(),
            idle_statuses: Vec::new(),
            confirm_deletes: Confirm::Off,
            confirm_approvals: Confirm::Off,
            disabled: std::collections::BTreeSet::new(),
            export_dir: None,
            audit_log: None,
            max_rpm: NonZeroU32::MAX,
            max_read_rpm: NonZeroU32::MAX,
            pauses: Pauses::default(),
        };
        App::new(settings, problem.map(str::to_owned), None)
    }

    #[tokio::test]
    async fn a_panic_a_cancellation_and_bad_settings_are_failures() {
        let problem = Some("a variable is wrong");
        for (problem, cancelled, panics, expected) in [
            (None, false, false, None),
            (None, false, true, Some(Code::Internal)),
            (None, true, false, Some(Code::Cancelled)),
            (problem, false, true, Some(Code::InvalidConfiguration)),
        ] {
            let caller = Arc::new(CancellationToken::new());
            if cancelled {
                caller.cancel();
            }
            let operation = async move {
                assert!(!panics, "on purpose");
                Ok(())
            };
            let (app, invocation) = (app(problem), Invocation::default());
            let outcome = |(): &()| None;
            let result =
                app.run(Op::GetSession, invocation, caller, outcome, |_, _| operation.boxed());
            let code = result.await.err().map(|error| error.code());
            assert_eq!(code, expected);
        }
    }
}
