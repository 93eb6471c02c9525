//! The write of a deletion, and the leave it needs: a confirmation, and an export of what goes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::{
    api::{ApiError, ApiResponse, Client},
    app::{
        approval::{Confirmed, Subject, Token},
        export,
        export::Exported,
        write::{Leave, Write},
    },
    domain::{
        guard::Operation,
        text, time,
        view::row::{Row, shown_amount},
    },
    explain::Failure,
    mcp::{call::Call, server::SessionsServer},
    model::{ApiTime, Session, SessionHead, SessionId},
};

/// How often a session is exported because it changed while it was.
const MOST_EXPORTS: u32 = 3;

/// Deletes one session, in the way the operator wants it.
pub(crate) struct Deletion<'a> {
    server: &'a SessionsServer,
    id: &'a SessionId,
    token: Option<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    confirmed: Option<Consent>,
    withheld: Option<Token>,
    exports: u32,
    exported: Option<Exported>,
}

/// What was confirmed.
#[derive(Clone, PartialEq, Eq)]
enum Consent {
    /// Its deletion, whatever it is now.
    Whatever,
    /// Its deletion as it was: what this is bound to.
    AsItWas(String),
}

impl<'a> Deletion<'a> {
    /// One that asks for the confirmation the operator wants; the caller may have brought it.
    pub(crate) fn new(
        server: &'a SessionsServer,
        id: &'a SessionId,
        token: Option<String>,
    ) -> Self {
        let state = State {
            confirmed: (!server.confirmer().is_on()).then_some(Consent::Whatever),
            ..State::default()
        };
        Self {
            server,
            id,
            token,
            state: Mutex::new(state),
        }
    }

    /// One that was confirmed before, as part of a whole.
    pub(crate) fn confirmed_before(server: &'a SessionsServer, id: &'a SessionId) -> Self {
        let deletion = Self::new(server, id, None);
        deletion.state().confirmed = Some(Consent::Whatever);
        deletion
    }

    /// What the caller has to come back with, if leave was withheld.
    pub(crate) fn withheld(&self) -> Option<Token> {
        self.state().withheld.clone()
    }

    /// Where record and history went, if they were exported.
    pub(crate) fn exported_to(&self) -> Option<String> {
        let state = self.state();
        state.exported.as_ref().map(|export| export.path.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn confirmed(
        &self,
        call: &Call,
        session: &Session,
        busy: bool,
    ) -> Result<Leave, Failure> {
        let subject = self.subject(session, busy);
        let consent = self.state().confirmed.clone();
        match consent {
            Some(Consent::Whatever) => return Ok(Leave::Granted),
            Some(Consent::AsItWas(bound_to)) if bound_to == subject.bound_to => {
                return Ok(Leave::Granted);
            }
            Some(Consent::AsItWas(_)) => {
                let named = &subject.named;
                return Err(Failure::confirmation_invalid(call.tool(), named, false));
            }
            None => {}
        }
        let asking = self.server.confirmer();
        let answer = asking.confirm(call, self.token.as_deref(), &subject);
        match answer.await? {
            Confirmed::Yes => {
                // Its own interrupt will change the session.
                let consent = if busy {
                    Consent::Whatever
                } else {
                    Consent::AsItWas(subject.bound_to)
                };
                self.state().confirmed = Some(consent);
                Ok(if call.paused().is_zero() {
                    Leave::Granted
                } else {
                    Leave::LookAgain
                })
            }
            Confirmed::Needs(token) => {
                self.state().withheld = Some(token);
                Ok(Leave::Withheld)
            }
        }
    }

    fn subject(&self, session: &Session, busy: bool) -> Subject {
        let id = self.id;
        // A running session changes all the time: what is confirmed is that it is stopped.
        let (kind, version) = if busy {
            ("interrupt and delete", String::new())
        } else {
            ("delete", export::version(session))
        };
        let title = session
            .head
            .title
            .as_deref()
            .filter(|title| !title.is_empty());
        let title = title.map(|title| format!(" ({})", text::quoted(title)));
        let named = format!(
            "session {}{}",
            text::visible(id.as_str()),
            title.unwrap_or_default()
        );
        Subject {
            bound_to: format!("{kind}\n{id}\n{version}"),
            question: self.question(&session.head, &named, busy),
            named: format!("deleting {named}"),
        }
    }

    fn question(&self, session: &SessionHead, named: &str, busy: bool) -> String {
        let row = Row::of(session);
        let now = Timestamp::now();
        let age = |at: Option<Timestamp>| at.map(|at| time::age(at, now));
        let status = row.status.as_deref().map(text::quoted);
        let mut facts = vec![format!("Status {}", status.as_deref().unwrap_or("unknown"))];
        if let Some(age) = age(session.created_at.as_ref().and_then(ApiTime::at)) {
            facts.push(format!("created {age} ago"));
        }
        if let Some(age) = age(session.updated_at.as_ref().and_then(ApiTime::at)) {
            facts.push(format!("last changed {age} ago"));
        }
        let cost = session.usage.list_cost.as_ref().and_then(shown_amount);
        facts.push(format!("cost {}", cost.as_deref().unwrap_or("unknown")));
        let stop = if busy {
            "It is at work now and will be stopped first. "
        } else {
            ""
        };
        let copy = if self.server.exporter().is_some() {
            " Record and history are exported to a file first."
        } else {
            " No copy is kept."
        };
        format!(
            "Delete {named} for good? {}. {stop}Its record, its whole event history and the files \
             in its sandbox are lost; this cannot be undone.{copy}",
            facts.join(", ")
        )
    }

    async fn exported(&self, call: &Call, session: &Session) -> Result<Leave, Failure> {
        let Some(exporter) = self.server.exporter() else {
            return Ok(Leave::Granted);
        };
        {
            let state = self.state();
            let version = export::version(session);
            let done = state.exported.as_ref();
            if done.is_some_and(|export| export.version == version) {
                return Ok(Leave::Granted);
            }
            if state.exports >= MOST_EXPORTS {
                return Err(Failure::export_outdated(&session.head));
            }
        }
        let done = exporter.export(call, self.id, session).await?;
        let mut state = self.state();
        state.exports += 1;
        state.exported = Some(done);
        Ok(Leave::LookAgain)
    }
}

impl Write for Deletion<'_> {
    type Prepared = ();

    fn operation(&self) -> Operation {
        Operation::Delete
    }

    async fn leave(&self, call: &Call, session: &Session, busy: bool) -> Result<Leave, Failure> {
        match self.confirmed(call, session, busy).await? {
            Leave::Granted if !busy => self.exported(call, session).await,
            leave => Ok(leave),
        }
    }

    async fn send(
        &self,
        client: &Client,
        id: &SessionId,
        (): &(),
    ) -> Result<ApiResponse<Option<Session>>, ApiError> {
        let answer = client.delete_session(id).await?;
        if answer.body {
            return Ok(answer.map(|_| None));
        }
        // The service says yes and not what it did.
        match client.get_session(id).await {
            Err(error) if error.is_not_found() => Ok(answer.map(|_| None)),
            Err(error) if error.is_transient() || error.may_have_acted() => Err(error.in_doubt()),
            // What refuses the reading has not refused the deletion.
            Err(error) => Err(ApiError::BadResponse {
                status: 200,
                cause: format!("it does not say what was done, and a reading ends with {error}"),
                request_id: answer.request_id,
            }),
            Ok(still_there) => Ok(still_there.map(Some)),
        }
    }

    fn verify(&self, (): &(), _: &Session) -> Result<(), Vec<String>> {
        Err(vec!["it is still there".to_owned()])
    }
}
