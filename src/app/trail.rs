//! What one call has sent so far to change something.

use std::{
    io,
    sync::{Arc, Mutex},
};

use super::{
    audit::{AuditedCall, End, Ended},
    locks::lock,
};
use crate::{domain::code::Code, model::SessionId};

#[derive(Debug)]
pub(crate) struct Trail {
    audited: Option<AuditedCall>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Writes that were sent, answered or not.
    begun: u32,
    /// Writes whose answer was not waited for.
    abandoned: u32,
    /// The API's id of the last write that was answered.
    last_write: Option<String>,
    /// The session that was created.
    created: Option<SessionId>,
}

impl Trail {
    /// The trail of a call; `audited` if lines are written about it.
    pub(crate) fn new(audited: Option<AuditedCall>) -> Arc<Self> {
        Arc::new(Self { audited, state: Mutex::default() })
    }

    /// A trail of its own for one session of the plan that this call applies.
    pub(crate) fn on_session(&self, id: &SessionId) -> Arc<Self> {
        Self::new(self.audited.as_ref().map(|call| call.on_session(id)))
    }

    pub(crate) fn audited(&self) -> Option<&AuditedCall> {
        self.audited.as_ref()
    }

    /// Notes that a write is about to be sent; it must not be if that fails.
    pub(crate) fn begin_write(&self) -> io::Result<OutstandingWrite<'_>> {
        if let Some(call) = &self.audited {
            call.begun()?;
        }
        lock(&self.state).begun += 1;
        Ok(OutstandingWrite { trail: self, is_answered: false })
    }

    /// Whether anything was sent.
    pub(crate) fn has_begun(&self) -> bool {
        lock(&self.state).begun > 0
    }

    /// Whether a write was sent and its answer was not waited for.
    pub(crate) fn is_in_doubt(&self) -> bool {
        lock(&self.state).abandoned > 0
    }

    /// Notes which session the write created.
    pub(crate) fn created(&self, id: &SessionId) {
        lock(&self.state).created = Some(id.clone());
    }

    pub(crate) fn last_write(&self) -> Option<String> {
        lock(&self.state).last_write.clone()
    }
}

/// A write that is being sent.
pub(crate) struct OutstandingWrite<'a> {
    trail: &'a Trail,
    is_answered: bool,
}

impl OutstandingWrite<'_> {
    /// It was answered, or has failed.
    pub(crate) fn answered(mut self, request_id: Option<&str>) {
        self.is_answered = true;
        if let Some(id) = request_id {
            lock(&self.trail.state).last_write = Some(id.to_owned());
        }
    }
}

impl Drop for OutstandingWrite<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            lock(&self.trail.state).abandoned += 1;
        }
    }
}

/// An audited call under way. Dropped without an end, because the call panicked or the process is
/// going down, it writes that.
#[derive(Debug)]
pub(crate) struct Entry {
    trail: Arc<Trail>,
    has_ended: bool,
}

impl Entry {
    pub(crate) fn of(trail: &Arc<Trail>) -> Self {
        Self { trail: Arc::clone(trail), has_ended: false }
    }

    pub(crate) fn end(mut self, ended: Ended<'_>) {
        self.write(ended);
    }

    fn write(&mut self, ended: Ended<'_>) {
        self.has_ended = true;
        let created = lock(&self.trail.state).created.clone();
        match (self.trail.audited(), created) {
            (Some(call), Some(id)) => call.about(&id).ended(ended),
            (Some(call), None) => call.ended(ended),
            (None, _) => {}
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        let code = if std::thread::panicking() { Code::Internal } else { Code::Cancelled };
        let request_id = self.trail.last_write();
        let in_doubt = self.trail.is_in_doubt();
        let request_id = request_id.as_deref();
        self.write(Ended { end: End::Code(code), request_id, in_doubt });
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::ErrorKind,
        panic::{AssertUnwindSafe, catch_unwind},
    };

    use super::{Entry, Trail};
    use crate::{
        app::{
            audit::{AuditLog, End, Ended, Target},
            op::Op,
        },
        domain::code::Code,
    };

    fn entry(log: &AuditLog) -> Entry {
        log.ensure_writable().unwrap();
        let call = log.call(Op::ArchiveSession, Target::default(), None);
        Entry::of(&Trail::new(Some(call)))
    }

    fn ended(end: End) -> Ended<'static> {
        Ended { end, request_id: Some("req_1"), in_doubt: false }
    }

    #[test]
    fn a_call_that_never_ends_is_logged_too() {
        let dir = tempfile::tempdir().unwrap();
        let log = AuditLog::new(dir.path().join("audit"));
        entry(&log).end(ended(End::Outcome("archived".to_owned())));
        drop(entry(&log));
        let panicking = catch_unwind(AssertUnwindSafe(|| {
            let _entry = entry(&log);
            panic!("on purpose");
        }));
        assert_eq!(panicking.unwrap_err().downcast_ref(), Some(&"on purpose"));
        let text = std::fs::read_to_string(log.path()).unwrap();
        let ends: Vec<_> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|line| line.get("code").or(line.get("outcome")).cloned().unwrap())
            .collect();
        assert_eq!(ends, ["archived", "cancelled", "internal"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_stops_the_next_call_not_the_process() {
        let log = AuditLog::new("/dev/full".into());
        entry(&log).end(ended(End::Code(Code::Conflict)));
        let refused = log.ensure_writable();
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::StorageFull);
    }
}
