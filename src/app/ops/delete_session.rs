//! Delete one session, after the approval and the export that the operator wants.

use crate::{
    api::Client,
    app::{
        approval::{Approval, BrokenSeal, invalid, subject::Subject},
        context::Context,
        error::{Error, ErrorKind, Mismatch},
        export::{self, Contents, Exported},
        lost::{self, Count},
        services::Services,
        waiting::{Found, Look},
        write::{Conditions, GuardedWrite, Sent, Written, write},
    },
    domain::{code::Code, guard::Operation, view::lost::Lost},
    model::{Session, SessionId},
};

/// How often a session is exported again because it changed meanwhile.
const MAX_EXPORTS: u32 = 3;

pub(crate) struct Deleted {
    pub written: Written<()>,
    pub exported_to: Option<String>,
    /// Of a dry run: where the copy would be.
    pub would_export_to: Option<String>,
    /// What is gone with it, or would be.
    pub lost: Option<Lost>,
    /// What it waited for.
    pub waiting: Found,
}

/// Deletes a session for good: record, event history and sandbox. `token` is the approval token
/// of an earlier answer.
pub(crate) async fn delete_session(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    conditions: &Conditions,
    token: Option<String>,
) -> Result<Deleted, Error> {
    let mut deletion = Deletion::new(services, id, token);
    // A copy counts what is in it.
    let is_copied = services.exporter.is_some() && !conditions.dry_run && !deletion.may_be_asked();
    deletion.count = Count::new(!is_copied);
    let written = write(services, cx, id, conditions, &mut deletion).await?;
    let would_export_to = match (&services.exporter, &written) {
        (Some(exporter), Written::DryRun { .. }) => Some(exporter.destination(id).await?),
        _ => None,
    };
    let (lost, exported_to) = match deletion.exported {
        Some(export) => (Some(lost::of_copy(&export)), Some(export.path)),
        None => (deletion.count.found(), None),
    };
    let waiting = deletion.look.found;
    Ok(Deleted { written, exported_to, would_export_to, lost, waiting })
}

pub(crate) struct Deletion<'a> {
    services: &'a Services,
    id: &'a SessionId,
    token: Option<String>,
    confirmed: Option<Confirmed>,
    exports: u32,
    exported: Option<Exported>,
    look: Look,
    count: Count,
}

enum Confirmed {
    /// Its deletion, whatever it is now.
    AnyState,
    /// Its deletion in the state that this binding describes.
    Binding(String),
}

impl<'a> Deletion<'a> {
    fn new(services: &'a Services, id: &'a SessionId, token: Option<String>) -> Self {
        let required = services.approvals.are_required_for_deletes();
        Self {
            services,
            id,
            token,
            confirmed: (!required).then_some(Confirmed::AnyState),
            exports: 0,
            exported: None,
            look: Look::default(),
            count: Count::default(),
        }
    }

    /// A deletion that was approved before, as part of a plan.
    pub(crate) fn approved(services: &'a Services, id: &'a SessionId, look: Look) -> Self {
        Self { confirmed: Some(Confirmed::AnyState), look, ..Self::new(services, id, None) }
    }

    /// Whether the answer may be a question, before a copy is made.
    fn may_be_asked(&self) -> bool {
        self.confirmed.is_none() && self.token.is_none()
    }

    async fn confirm(
        &mut self,
        cx: &Context,
        session: &Session,
        busy: bool,
    ) -> Result<Approval, Error> {
        let subject = Subject::Deletion {
            session: Box::new(session.head.clone()),
            id: self.id.clone(),
            version: if busy { String::new() } else { export::version(session) },
            busy,
            exported: self.services.exporter.is_some(),
        };
        match &self.confirmed {
            Some(Confirmed::AnyState) => return Ok(Approval::Granted),
            Some(Confirmed::Binding(binding)) if *binding == subject.binding() => {
                return Ok(Approval::Granted);
            }
            Some(Confirmed::Binding(_)) => return Err(invalid(&subject, BrokenSeal::Invalid)),
            None => {}
        }
        let approvals = &self.services.approvals;
        let token = self.token.as_deref();
        let approval = approvals.approve(cx, token, &subject).await?;
        if !matches!(approval, Approval::Needs(_)) {
            // The interrupt that comes next will change the session.
            self.confirmed = Some(if busy {
                Confirmed::AnyState
            } else {
                Confirmed::Binding(subject.binding())
            });
        }
        Ok(approval)
    }

    async fn export(&mut self, cx: &Context, session: &Session) -> Result<Approval, Error> {
        let Some(exporter) = &self.services.exporter else {
            return Ok(Approval::Granted);
        };
        let version = export::version(session);
        let last = self.exported.as_ref();
        if last.is_some_and(|export| export.version == version) {
            return Ok(Approval::Granted);
        }
        if self.exports >= MAX_EXPORTS {
            return Err(ErrorKind::ExportOutdated(Box::new(session.head.clone())).into());
        }
        let copy = Box::pin(exporter.export(cx, self.id, session, Contents::default())).await;
        self.exported = Some(copy.map_err(|error| not_exported(self.id, error))?);
        self.exports += 1;
        Ok(Approval::Recheck)
    }
}

/// Whatever kept the copy from being made keeps the session from being deleted. Only a failure
/// after which the same call goes on stays what it is.
fn not_exported(id: &SessionId, error: Error) -> Error {
    let goes_on = matches!(error.kind(), ErrorKind::ExportUnfinished { .. });
    if goes_on || error.code() == Code::ExportFailed || error.is_session_not_found() {
        return error;
    }
    ErrorKind::NotExported { session: id.clone(), cause: Box::new(error) }.into()
}

impl GuardedWrite for Deletion<'_> {
    type Prepared = ();

    fn operation(&self) -> Operation {
        Operation::Delete
    }

    async fn inspect(&mut self, cx: &Context, session: &Session) -> Result<bool, Error> {
        let (look, count) = tokio::join!(
            self.look.at(self.services, cx, session, Operation::Delete),
            self.count.at(cx, self.id, session),
        );
        Ok(look? || count)
    }

    async fn approve(
        &mut self,
        cx: &Context,
        session: &Session,
        busy: bool,
    ) -> Result<Approval, Error> {
        match self.confirm(cx, session, busy).await? {
            Approval::Granted if !busy => self.export(cx, session).await,
            approval => Ok(approval),
        }
    }

    async fn send(&self, client: &Client, id: &SessionId, (): &()) -> Sent {
        Ok(client.delete_session(id).await?.map(|()| None))
    }

    fn removes(&self) -> bool {
        true
    }

    fn verify(&self, (): &(), _: &Session) -> Result<(), Mismatch> {
        Err(Mismatch::StillThere)
    }
}
