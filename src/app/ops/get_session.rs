//! Read one session, and what it waits for.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::{
    app::{
        context::Context,
        error::Error,
        recent_events::{Pause, known_pause},
        services::Services,
        threads::{is_multiagent, threads},
    },
    domain::{
        code::Code,
        diagnosis::OpenRun,
        guard::Activity,
        view::{
            fit::{FULL_RECORD_BYTES, RECORD_BYTES},
            record::Record,
            size::{SizeBudget, size},
            threads::{ChildThread, children},
        },
        waiting::WaitingCall,
    },
    model::{Session, SessionId},
};

/// What looking beyond the record may take; it must not cost the answer.
const LONGEST_LOOK: Duration = Duration::from_secs(10);
/// What is shown of calls, of threads and of runs, in bytes each.
const BYTES: usize = 3_000;

/// A session, and what its events and threads tell.
pub(crate) struct Shown {
    pub record: Record,
    pub waiting: Vec<WaitingCall>,
    pub threads: Vec<ChildThread>,
    pub workflow_runs: Vec<OpenRun>,
    /// Why its events, or its threads, could not be looked at.
    pub unknown_events: Option<Code>,
    pub unknown_threads: Option<Code>,
}

/// Reads one session; `full` adds the system prompt, why it last went idle, and unknown fields.
pub(crate) async fn get_session(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    full: bool,
) -> Result<Shown, Error> {
    let session = cx.read_session(id).await?;
    let activity = services.statuses.activity(&session.head);
    let is_idle = activity == Activity::Idle;
    let can_go_on = activity != Activity::Terminated && !session.head.is_archived();
    let look = if can_go_on || is_idle || full {
        let time = (cx.deadline().saturating_duration_since(Instant::now()) / 2).min(LONGEST_LOOK);
        let look = timeout(time, Box::pin(look(cx, id, &session, can_go_on))).await;
        look.unwrap_or_else(|_| Look::unknown(Code::TimedOut, &session))
    } else {
        Look::default()
    };
    let mut record = services.whole_record(&session).await;
    if is_idle || full {
        record.stop_reason.clone_from(&look.pause.stop_reason);
    }
    if is_idle && can_go_on {
        record.operations = record.operations.map(|operations| match look.pause.unknown {
            Some(_) => operations.while_unknown(),
            None if look.pause.requires_action() => operations.while_waiting(),
            None => operations,
        });
    }
    let (record, bytes) = if full {
        (record.with_details(&session), FULL_RECORD_BYTES)
    } else {
        (record, RECORD_BYTES)
    };
    Ok(look.beside(record, bytes, can_go_on))
}

/// What was found beyond a session's record.
#[derive(Default)]
struct Look {
    pause: Pause,
    threads: Vec<ChildThread>,
    unknown_threads: Option<Code>,
}

async fn look(cx: &Context, id: &SessionId, session: &Session, can_go_on: bool) -> Look {
    if !can_go_on {
        let pause = known_pause(cx, id, session).await;
        return Look { pause, ..Look::default() };
    }
    let (pause, of_record) = if is_multiagent(session) {
        let (pause, threads) = tokio::join!(known_pause(cx, id, session), threads(cx, id, &[]));
        (pause, Some(threads))
    } else {
        (known_pause(cx, id, session).await, None)
    };
    let threads = match of_record {
        Some(threads) => threads,
        None if pause.has_threads => threads(cx, id, &[]).await,
        None => Ok(Vec::new()),
    };
    match threads {
        Ok(threads) => Look { pause, threads: children(&threads), unknown_threads: None },
        Err(error) => {
            tracing::debug!(%error, "the threads cannot be read");
            Look { pause, threads: Vec::new(), unknown_threads: Some(error.code()) }
        }
    }
}

impl Look {
    fn unknown(code: Code, session: &Session) -> Self {
        let pause = Pause { unknown: Some(code), ..Pause::default() };
        let unknown_threads = is_multiagent(session).then_some(code);
        Self { pause, unknown_threads, ..Self::default() }
    }

    /// With the record within what it leaves of `bytes`.
    fn beside(self, record: Record, bytes: usize, can_go_on: bool) -> Shown {
        let Self { pause, threads, unknown_threads } = self;
        let (mut waiting, mut runs) = (pause.waiting, pause.open_runs);
        waiting.retain(|_| can_go_on);
        let mut threads = threads;
        runs.retain(|_| can_go_on);
        let left_out = [
            ("waiting", truncate(&mut waiting)),
            ("threads", truncate(&mut threads)),
            ("workflow_runs", truncate(&mut runs)),
        ];
        let taken = size(&(&waiting, &threads, &runs));
        let mut record = record.fitting(bytes.saturating_sub(taken));
        record.left_out.extend(left_out.into_iter().filter(|(_, count)| *count > 0));
        Shown {
            record,
            waiting,
            threads,
            workflow_runs: runs,
            unknown_events: pause.unknown,
            unknown_threads,
        }
    }
}

/// Leaves as many entries as fit. Returns how many were left out.
fn truncate(entries: &mut Vec<impl serde::Serialize>) -> usize {
    let all = entries.len();
    let mut budget = SizeBudget::of(BYTES);
    let fitting = entries.iter().take_while(|entry| budget.take(entry)).count();
    entries.truncate(fitting);
    all - fitting
}
