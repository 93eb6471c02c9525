//! What operations work with, built once.

use tokio::{sync::OwnedMutexGuard, time::timeout_at};

use super::{
    approval::{Approvals, Seal},
    context::Context,
    cursor::Cursors,
    deletions::Deletions,
    error::{Error, ErrorKind},
    export::Exporter,
    locks::SessionLocks,
    op::Op,
    pace::{Pacer, PerKind},
    plan::store::Plans,
    scan::{
        Scan,
        lists::{Listed, Sessions},
        source::Source,
    },
    settings::Settings,
    suggestions::SessionSuggestions,
};
use crate::{
    api::{Client, RequestOptions},
    domain::{
        filter::Filter,
        guard::Statuses,
        view::{fit::RECORD_BYTES, record::Record},
    },
    model::{Order, Session, SessionId},
};

pub(crate) struct Services {
    pub(super) settings: Settings,
    pub(super) client: Client,
    pub(super) statuses: Statuses,
    locks: SessionLocks,
    pub(super) approvals: Approvals,
    pub(super) exporter: Option<Exporter>,
    pub(super) pacer: Pacer,
    pub(super) plans: Plans,
    cursors: Cursors,
    suggestions: SessionSuggestions,
    pub(super) deletions: Deletions,
}

impl Services {
    /// Nothing is read or connected yet. Without a `seal` nothing can be approved.
    pub(crate) fn new(settings: Settings, seal: Option<Box<dyn Seal>>) -> Self {
        let per_minute = PerKind { reads: settings.max_read_rpm, writes: settings.max_rpm };
        let pacer = Pacer::new(per_minute, settings.pauses.slow_down);
        Self {
            client: Client::new(settings.api.clone()).with_options(RequestOptions {
                on_request: Some(pacer.on_request()),
                ..RequestOptions::default()
            }),
            statuses: Statuses::new(settings.idle_statuses.clone()),
            locks: SessionLocks::default(),
            approvals: Approvals::new(settings.confirm_deletes, settings.confirm_approvals, seal),
            exporter: settings.export_dir.clone().map(Exporter::new),
            pacer,
            plans: Plans::default(),
            cursors: Cursors::new(cursor_context(&settings)),
            suggestions: SessionSuggestions::default(),
            deletions: Deletions::default(),
            settings,
        }
    }

    /// Loads in the background what the first call would otherwise wait for.
    pub(crate) fn warm_up(&self) {
        self.client.warm_up();
    }

    pub(crate) async fn suggest_sessions(&self, typed: &str) -> Vec<String> {
        let agents = &self.settings.allowed_agents;
        self.suggestions.matching(typed, &self.client, agents).await
    }

    pub(crate) fn cursors(&self) -> &Cursors {
        &self.cursors
    }

    /// Whether the operator lets this be done, by whatever operation.
    pub(crate) fn ensure_enabled(&self, op: Op) -> Result<(), Error> {
        if self.settings.disabled.contains(&op) {
            return Err(ErrorKind::Disabled(op).into());
        }
        Ok(())
    }

    /// Waits until no other call writes the session, as long as that leaves time to write it.
    pub(crate) async fn lock(
        &self,
        cx: &Context,
        id: &SessionId,
    ) -> Result<OwnedMutexGuard<()>, Error> {
        let lock = timeout_at(cx.soft_deadline(), self.locks.acquire(id)).await;
        lock.map_err(|_| ErrorKind::LockTimedOut(id.clone()).into())
    }

    /// Whether a session is exported before it is deleted.
    pub(crate) fn exports(&self) -> bool {
        self.exporter.is_some()
    }

    /// [Scans](Self::scan) the sessions that match, of allowed agents only.
    pub(crate) fn scan_sessions<T: Listed>(
        &self,
        cx: &Context,
        mut filter: Filter,
        order: Order,
        limit: usize,
    ) -> Scan<Sessions<T>> {
        let agents = &self.settings.allowed_agents;
        filter.allowed_agents.clone_from(agents);
        self.scan(cx, Sessions::new(filter, order), limit)
    }

    /// A scan of at most `limit` entries, matching or not, until the call's soft deadline.
    pub(crate) fn scan<S: Source>(&self, cx: &Context, source: S, limit: usize) -> Scan<S> {
        let until = cx.soft_deadline();
        Scan::new(source, &cx.client(), &self.pacer, limit, until)
    }

    /// The record of a session, within the size of an answer.
    pub(crate) async fn record(&self, session: &Session) -> Record {
        self.whole_record(session).await.fitting(RECORD_BYTES)
    }

    /// The record without any limit of its size.
    pub(crate) async fn whole_record(&self, session: &Session) -> Record {
        let is_official = self.client.is_official().await;
        let mut record = Record::concise(session, &self.statuses, is_official);
        let disabled = &self.settings.disabled;
        if let Some(operations) = &mut record.operations {
            for (op, ruling) in [
                (Op::UpdateSessionTools, &mut operations.update_tools),
                (Op::ArchiveSession, &mut operations.archive),
                (Op::DeleteSession, &mut operations.delete),
                (Op::InterruptSession, &mut operations.interrupt),
            ] {
                ruling.take_if(|_| disabled.contains(&op));
            }
        }
        record
    }
}

/// The settings that a cursor depends on: the service, the workspace, the allowed agents.
fn cursor_context(settings: &Settings) -> impl Iterator<Item = &str> {
    let api = &settings.api;
    let base_url = api.base_url.as_ref().map_or("", url::Url::as_str);
    let workspace = api.workspace_id.as_deref();
    let agents = settings.allowed_agents.iter().map(String::as_str);
    [base_url].into_iter().chain(workspace).chain(agents)
}
