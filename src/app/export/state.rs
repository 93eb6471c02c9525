//! Whether a copy is still one of what is there, on both ends: the session, and the file that it
//! is to replace.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde_json::Value;

use super::{name::digest, seen::Seen};
use crate::{
    api::EventQuery,
    app::{
        context::Context,
        error::{About, Error},
    },
    domain::guard::Statuses,
    model::{Order, Session, SessionId},
};

/// What can be written of a session.
const WRITABLE: [&str; 6] =
    ["title", "metadata", "agent", "vault_ids", "environment_id", "archived_at"];

/// What tells two states of a session apart, but for its events: `updated_at`, and a digest of
/// what can be written, since some services do not send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    updated_at: Option<String>,
    writable: String,
}

impl State {
    pub(crate) fn of(session: &Session) -> Self {
        let fields = WRITABLE.map(|field| session.fields.get(field).unwrap_or(&Value::Null));
        Self {
            updated_at: session.head.updated_at.as_ref().map(|at| at.text().to_owned()),
            writable: digest(&serde_json::to_vec(&fields).unwrap_or_default()),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.updated_at.as_deref().unwrap_or_default(), self.writable)
    }
}

/// The session as it is now, if a copy that was begun in this state and holds these events is not
/// one of it. A copy of a session at work is always one of a moment, and good as that.
pub(crate) async fn changed(
    cx: &Context,
    id: &SessionId,
    state: &State,
    events: &Seen,
) -> Result<Option<Session>, Error> {
    let query = EventQuery { order: Some(Order::Desc), limit: Some(1), ..EventQuery::default() };
    let newest = cx.client().list_events(id, &query).await;
    let newest = newest.map_err(|error| Error::api(About::Events(id.clone()), error))?.body;
    let session = cx.read_session(id).await?;
    let is_same = State::of(&session) == *state && events.has_all(&newest.data);
    let is_busy = Statuses::default().activity(&session.head).is_busy();
    Ok((!is_same && !is_busy).then_some(session))
}

/// The file that an export is to replace: another one may have got its name since.
#[derive(Debug)]
pub(crate) struct Replaced {
    path: PathBuf,
    found: Option<Identity>,
}

type Identity = (u64, Option<SystemTime>, (u64, u64));

impl Replaced {
    pub(crate) fn now(path: PathBuf) -> io::Result<Self> {
        let found = identity(&path)?;
        Ok(Self { path, found })
    }

    /// Whether it is still the one that was there.
    pub(crate) fn is_still_there(&self) -> io::Result<bool> {
        Ok(identity(&self.path)? == self.found)
    }
}

fn identity(path: &Path) -> io::Result<Option<Identity>> {
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    #[cfg(unix)]
    let inode = {
        use std::os::unix::fs::MetadataExt as _;
        (metadata.dev(), metadata.ino())
    };
    #[cfg(not(unix))]
    let inode = (0, 0);
    Ok(Some((metadata.len(), metadata.modified().ok(), inode)))
}
