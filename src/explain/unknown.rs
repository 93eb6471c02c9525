//! The words for what could not be looked up beside a session's record.

use crate::domain::code::Code;

/// Of a busy session.
pub(crate) const LAST_EVENT: &str =
    "its newest event could not be read, so that how long nothing has happened is not known";

/// One sentence for each; the codes say why.
pub(crate) fn warnings(events: Option<Code>, threads: Option<Code>) -> Vec<String> {
    let events = events.map(|code| {
        format!(
            "its events could not be read ({code}), so that why it stopped, what it waits for, \
             which workflow runs are open and whether there is anything to interrupt is not known"
        )
    });
    let threads = threads.map(|code| format!("its threads could not be read ({code})"));
    events.into_iter().chain(threads).collect()
}
