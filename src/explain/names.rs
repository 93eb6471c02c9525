//! What sentences call things.

use std::path::Path;

pub(crate) use crate::domain::text::{make_visible, one_line};

use super::vocabulary::Vocabulary;
use crate::{
    app::{error::About, op::Op},
    domain::text,
    model::SessionHead,
};

/// What the API was asked about, as in "… does not exist".
pub(crate) fn about(subject: &About) -> String {
    match subject {
        About::Session(id) => format!("session {id}"),
        About::Events(id) => format!("the history of session {id}"),
        About::Threads(id) => format!("the list of threads of session {id}"),
        About::Thread(id, thread) => format!("thread {thread} of session {id}"),
        About::Files(id) => format!("the list of files of session {id}"),
        About::File(id) => format!("the content of file {}", text::word(id)),
        About::SessionList => "the list of sessions".to_owned(),
        About::AgentList => "the list of agents".to_owned(),
        About::Agent(id) => format!("agent {}", text::word(id)),
        About::EnvironmentList => "the list of environments".to_owned(),
        About::Environment(id) => format!("environment {}", text::word(id)),
        About::NewSession(agent) => format!("a new session of agent {}", text::word(agent)),
        About::Credential => "the credential".to_owned(),
    }
}

/// `sesn_1 ("Fix the login")`, or the id alone.
pub(crate) fn session(session: &SessionHead) -> String {
    with_title(&session.id, session)
}

/// The same for an id as the caller gave it.
pub(crate) fn with_title(id: &str, session: &SessionHead) -> String {
    let id = text::word(id);
    match session.title.as_deref() {
        Some(title) if !title.is_empty() => format!("{id} ({})", text::quoted(title)),
        _ => id,
    }
}

pub(crate) fn path(path: &Path) -> String {
    text::one_line(&path.display().to_string())
}

pub(crate) fn read_before(what_comes_next: &str, vocabulary: &dyn Vocabulary) -> String {
    if let Some(name) = vocabulary.name(Op::GetSession) {
        return format!("read the session with {name} before {what_comes_next}");
    }
    vocabulary.step_or(
        Op::DiagnoseSession,
        &[],
        &format!(" to see the session before {what_comes_next}"),
        &format!("see what became of it before {what_comes_next}"),
    )
}
