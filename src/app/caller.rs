//! Who calls: how an operation reports progress, notices that it is cancelled, and asks a person.

use std::{future, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use tokio_util::sync::CancellationToken;

use super::{approval::subject::Subject, plan::action::Action};
use crate::model::SessionId;

/// The adapter's side of one call; by default it shows no progress and can ask nobody.
pub(crate) trait Caller: Send + Sync {
    /// Cancelled when the caller no longer wants the answer.
    fn cancellation(&self) -> &CancellationToken;

    /// The program that calls, such as "claude-code 2.1.0", for the audit log.
    fn client(&self) -> Option<String> {
        None
    }

    fn progress(&self, _: Progress) -> BoxFuture<'_, ()> {
        future::ready(()).boxed()
    }

    fn approval(&self) -> ApprovalChannel {
        ApprovalChannel::Unavailable
    }

    /// Asks a person while the call goes on ([`ApprovalChannel::Inline`]); `None` if there is no
    /// reply within `timeout`.
    fn ask<'a>(&'a self, _: &'a Subject, _timeout: Duration) -> BoxFuture<'a, Option<Reply>> {
        future::ready(None).boxed()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ApprovalChannel {
    Unavailable,
    /// By [`Caller::ask`], while the call goes on.
    Inline,
    /// By ending the call; the adapter asks and makes it again.
    Deferred,
    /// A person was asked before this call was made again.
    Answered {
        state: String,
        reply: Reply,
    },
}

/// What a person replied. Only an explicit yes is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    Yes,
    No,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    Polled {
        polls: u32,
        session: String,
        status: String,
    },
    Exported {
        events: u64,
        session: SessionId,
    },
    Scanned {
        sessions: usize,
    },
    Applied {
        action: Action,
        done: usize,
        /// Sessions that need nothing more, whatever became of them.
        settled: usize,
        matched: usize,
    },
}
