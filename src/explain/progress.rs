//! Progress in words.

use crate::{
    app::{caller::Progress, plan::action::Action},
    domain::text,
};

/// Steps done, steps in all if known, and a message.
#[expect(clippy::cast_precision_loss, reason = "counts that a person looks at, far below 2^52")]
pub(crate) fn progress(progress: &Progress) -> (f64, Option<f64>, String) {
    match progress {
        Progress::Polled { polls, session, status } => {
            (f64::from(*polls), None, format!("{session} is {}", text::word(status)))
        }
        Progress::Exported { events, session } => {
            (*events as f64, None, format!("{events} events of {session} exported"))
        }
        Progress::Scanned { sessions } => {
            (*sessions as f64, None, format!("{sessions} sessions scanned"))
        }
        Progress::Applied { action, done, settled, matched } => {
            let verb = match action {
                Action::Archive => "archived",
                Action::Delete => "deleted",
                Action::Interrupt => "interrupted",
                Action::UpdateTools => "updated",
            };
            let message = format!("{done} of {matched} {verb}");
            (*settled as f64, Some(*matched as f64), message)
        }
    }
}
