//! A failure in words.

use std::time::Duration;

pub(crate) use crate::domain::code::Code;

use crate::domain::text;

/// A failure in words: what happened, why, and one next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// What programs branch on.
    pub code: Code,
    /// One sentence with the id, the title, the state and the one cause; no full stop at its end.
    pub message: String,
    /// One step, as a call that would work where there is one; no full stop at its end.
    pub next: String,
    pub status: Option<String>,
    pub http_status: Option<u16>,
    pub request_id: Option<String>,
    pub retry_after: Option<Duration>,
    /// A write was sent and may have been carried out.
    pub in_doubt: bool,
}

impl Explanation {
    /// An explanation of something that the API had no part in.
    pub(crate) fn new(code: Code, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            next: next.into(),
            status: None,
            http_status: None,
            request_id: None,
            retry_after: None,
            in_doubt: false,
        }
    }

    /// The whole explanation on one line: code, sentence, next step, request id.
    pub(crate) fn line(&self) -> String {
        let request = self.request_id.as_ref();
        let request = request.map(|id| format!(" (request_id {id})"));
        let (code, message, next) = (self.code, &self.message, &self.next);
        // One line, so that nothing in it can pass for one of ours.
        text::one_line(&format!("{code}: {message}. Next: {next}.{}", request.unwrap_or_default()))
    }
}

pub(crate) struct Words {
    pub(crate) message: String,
    pub(crate) next: String,
}

pub(crate) fn words(message: impl Into<String>, next: impl Into<String>) -> Words {
    Words { message: message.into(), next: next.into() }
}

/// Rounded up: who comes back a moment too early has waited in vain.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
