//! Who calls: how an operation reports progress, notices that it is cancelled, and asks a person.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::{approval::subject::Subject, plan::action::Action};
use crate::model::SessionId;

/// The adapter's side of one call.
pub(crate) trait Caller: Send + Sync {
    /// Cancelled when the caller no longer wants the answer.
    fn cancellation(&self) -> &CancellationToken;

    /// Reports progress, if the caller asked for it.
    fn progress(&self, progress: Progress) -> BoxFuture<'_, ()>;

    /// How a person can be asked for approval.
    fn approval(&self) -> ApprovalChannel;

    /// Asks a person while the call goes on ([`ApprovalChannel::Inline`]); `None` if there is no
    /// reply within `timeout`.
    fn ask<'a>(&'a self, subject: &'a Subject, timeout: Duration) -> BoxFuture<'a, Option<Reply>>;
}

/// How a person can be asked for approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ApprovalChannel {
    /// Not at all.
    Unavailable,
    /// By [`Caller::ask`], while the call goes on.
    Inline,
    /// By ending the call; the adapter asks and makes it again.
    Deferred,
    /// A person was asked before this call was made again.
    Answered {
        /// The sealed state that the question carried.
        state: String,
        /// What the person replied.
        reply: Reply,
    },
}

/// What a person replied. Only an explicit yes is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Go ahead.
    Yes,
    /// Anything else.
    No,
}

/// How far a call is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    /// A busy session was read again.
    Polled {
        /// Reads so far.
        polls: u32,
        /// The session.
        session: String,
        /// Its status.
        status: String,
    },
    /// Events were exported.
    Exported {
        /// Events so far.
        events: u64,
        /// The session.
        session: SessionId,
    },
    /// Sessions were looked at.
    Scanned {
        /// Sessions so far.
        sessions: usize,
    },
    /// Sessions of a plan were settled.
    Applied {
        /// What the plan does.
        action: Action,
        /// Sessions written.
        done: usize,
        /// Sessions that need nothing more, whatever became of them.
        settled: usize,
        /// Sessions of the plan.
        matched: usize,
    },
}
