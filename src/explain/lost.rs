//! The words for what is gone with a session.

use jiff::Timestamp;
use serde_json::json;

use super::{
    explanation::{Words, words},
    vocabulary::Vocabulary,
};
use crate::{app::op::Op, domain::view::fit::LeftOut, model::SessionId};

/// A snapshot that does not hold everything. `copied`: a copy of the session holds it, or will
/// before it is deleted; `deleted`: it is gone already.
pub(crate) fn snapshot_cut(left_out: &LeftOut, copied: bool, deleted: bool) -> Option<String> {
    if left_out.is_empty() {
        return None;
    }
    let parts: Vec<String> = left_out
        .iter()
        .map(|(name, count)| match *name {
            "bytes" => format!("{count} bytes of long values"),
            name => format!("{count} {name}"),
        })
        .collect();
    let end = match (copied, deleted) {
        (true, true) => "the exported copy holds all of it",
        (true, false) => "the copy that is exported first will hold all of it",
        (false, true) => "that is gone, since no copy was exported",
        (false, false) => "that will be gone, since no copy is exported (--export-dir)",
    };
    Some(format!("snapshot is cut to the size of an answer, without {}: {end}", parts.join(", ")))
}

/// A session that is not there because this process deleted it.
pub(crate) fn deleted(id: &SessionId, at: Timestamp, vocabulary: &dyn Vocabulary) -> Words {
    words(
        format!(
            "session {id} does not exist any more: this server deleted it at {}",
            at.strftime("%FT%TZ")
        ),
        vocabulary.step_or(
            Op::ListSessions,
            &[("include_archived", json!(true))],
            " to see which sessions there are",
            "go on without it",
        ),
    )
}
