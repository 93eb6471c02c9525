//! The one way in: audit, time limit, cancellation and panic fence around every operation,
//! whatever adapter calls it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::time::Instant;

use super::{
    approval::{APPROVAL_TIMEOUT, Seal},
    audit::{AuditLog, End, Target},
    caller::Caller,
    context::Context,
    error::{Error, ErrorKind},
    op::Op,
    services::Services,
    settings::Settings,
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
        let audit = self.audit.as_ref().filter(|_| invocation.writes);
        let Some(log) = audit else {
            return self.limited(op, &invocation, caller, operation).await.0;
        };
        let target = &invocation.target;
        let entry = log.begin(op, target).map_err(|cause| {
            let (path, cause) = (log.path().to_owned(), Arc::new(cause));
            let error = Error::new(ErrorKind::AuditFailed { path, cause });
            log.entry(op, target).end(End::Code(error.code()), None);
            error
        })?;
        let (result, last_write) = self.limited(op, &invocation, caller, operation).await;
        let (end, request_id) = match &result {
            Ok(answer) => {
                let outcome = outcome(answer).unwrap_or_else(|| "answered".to_owned());
                (End::Outcome(outcome), None)
            }
            // Nothing failed: the adapter asks a person and makes the call again.
            Err(error) if matches!(error.kind(), ErrorKind::InputRequired(_)) => {
                (End::Outcome(error.code().to_string()), None)
            }
            Err(error) => (End::Code(error.code()), error.request_id()),
        };
        entry.end(end, request_id.or(last_write.as_deref()));
        result
    }

    /// Notes in the audit log that a writing call was refused before it could be run.
    pub(crate) fn audit_refusal(&self, op: Op, code: Code) {
        if let Some(log) = &self.audit {
            log.entry(op, &Target::default()).end(End::Code(code), None);
        }
    }

    /// Also returns the API's id of the last request that changed something.
    async fn limited<T: Send>(
        &self,
        op: Op,
        invocation: &Invocation,
        caller: Arc<dyn Caller>,
        operation: impl for<'a> FnOnce(&'a Services, &'a Context) -> Operation<'a, T>,
    ) -> (Result<T, Error>, Option<String>) {
        let services = match &self.services {
            Ok(services) => services,
            Err(error) => return (Err(error.clone()), None),
        };
        let &Invocation { writes, bulk, .. } = invocation;
        let longest = if bulk { LONGEST_BULK } else { Duration::MAX };
        let deadline = Instant::now() + self.timeout.min(longest);
        let cancellation = caller.cancellation().clone();
        let cx = Context::new(
            op,
            bulk,
            deadline,
            &services.client,
            services.pacer.permits(),
            &services.settings.allowed_agents,
            caller,
        );
        // Bulk writes notice a cancellation by themselves, between two sessions.
        let stops_by_itself = bulk && writes;
        let end = deadline + GRACE + APPROVAL_TIMEOUT;
        let running = AssertUnwindSafe(operation(services, &cx)).catch_unwind();
        let result = tokio::select! {
            biased;
            () = cancellation.cancelled(), if !stops_by_itself => Err(ErrorKind::Cancelled.into()),
            ended = tokio::time::timeout_at(end, running) => match ended {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => {
                    tracing::error!(operation = op.name(), "an operation panicked");
                    Err(ErrorKind::Internal.into())
                }
                Err(_) => Err(ErrorKind::CallTimedOut.into()),
            },
        };
        (result, cx.last_write())
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
            settings::{ConfirmDeletes, Pauses, Settings},
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
            confirm_deletes: ConfirmDeletes::Off,
            export_dir: None,
            audit_log: None,
            max_rpm: NonZeroU32::MAX,
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
