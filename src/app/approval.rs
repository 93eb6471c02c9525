//! Approval of what cannot be taken back: by a token from an earlier answer, or by a person whom
//! the adapter asks.
//!
//! A token is sealed by the adapter with a key of this process and bound to its subject, so that
//! it can neither be computed nor used for anything else, and expires after five minutes. The
//! same seal guards the state that a question carries to a later call; the two are sealed for
//! different purposes, so that a question's state never passes for a token.

pub(crate) mod subject;

use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};

use self::subject::{PendingQuestion, Subject};
use super::{
    caller::{ApprovalChannel, Reply},
    context::Context,
    error::{Error, ErrorKind},
    settings::ConfirmDeletes,
};

/// How long a token, or a question, is valid.
const VALID_FOR: Duration = Duration::from_secs(5 * 60);
/// How long a person is waited for within a call.
pub(crate) const APPROVAL_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Approved {
    /// It was approved, or needs no approval.
    Yes,
    /// Not before the caller comes back with this token.
    Needs(ApprovalToken),
}

/// Valid for one subject and five minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApprovalToken {
    pub token: String,
    /// RFC 3339, to the second, rounded down.
    pub expires_at: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Token,
    Question,
}

/// Seals text so that only this process can have made it.
pub(crate) trait Seal: Send + Sync {
    /// A seal bound to `binding`, valid for `valid_for`.
    fn seal(&self, binding: &[u8], valid_for: Duration) -> String;

    /// Checks a seal.
    fn check(&self, sealed: &str, binding: &[u8]) -> Result<(), BrokenSeal>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BrokenSeal {
    Expired,
    Invalid,
}

pub(crate) struct Approvals {
    way: ConfirmDeletes,
    /// Absent if this machine provides no random key; then nothing can be approved.
    seal: Option<Box<dyn Seal>>,
}

impl Approvals {
    pub(crate) fn new(way: ConfirmDeletes, seal: Option<Box<dyn Seal>>) -> Self {
        Self { way, seal }
    }

    pub(crate) fn required(&self) -> bool {
        self.way != ConfirmDeletes::Off
    }

    /// Whether the subject may be carried out. To be asked once a call, with a subject made from
    /// a reading of this call.
    ///
    /// # Errors
    /// `confirmation_invalid` for a token or state that does not fit; `confirmation_declined`
    /// when a person said no; [`ErrorKind::InputRequired`] when the adapter has to ask first.
    pub(crate) async fn approve(
        &self,
        cx: &Context,
        token: Option<&str>,
        subject: &Subject,
    ) -> Result<Approved, Error> {
        if !self.required() {
            return Ok(Approved::Yes);
        }
        let Some(seal) = &self.seal else {
            return Err(ErrorKind::Internal.into());
        };
        let check = |purpose, sealed: &str| {
            let opened = seal.check(sealed, &binding(purpose, subject));
            opened.map_err(|broken| invalid(subject, broken))
        };
        if let Some(token) = token {
            check(Purpose::Token, token)?;
            return Ok(Approved::Yes);
        }
        if self.way == ConfirmDeletes::Elicit {
            match cx.approval() {
                ApprovalChannel::Answered { state, reply } => {
                    check(Purpose::Question, &state)?;
                    return approved_by(reply, subject);
                }
                ApprovalChannel::Inline => {
                    if let Some(reply) = cx.ask(subject, APPROVAL_TIMEOUT).await {
                        return approved_by(reply, subject);
                    }
                }
                ApprovalChannel::Deferred => {
                    return Err(ErrorKind::InputRequired(Box::new(PendingQuestion {
                        subject: subject.clone(),
                        state: seal.seal(&binding(Purpose::Question, subject), VALID_FOR),
                    }))
                    .into());
                }
                ApprovalChannel::Unavailable => {}
            }
        }
        Ok(Approved::Needs(ApprovalToken {
            expires_at: expiry(),
            token: seal.seal(&binding(Purpose::Token, subject), VALID_FOR),
        }))
    }
}

fn approved_by(reply: Reply, subject: &Subject) -> Result<Approved, Error> {
    match reply {
        Reply::Yes => Ok(Approved::Yes),
        Reply::No => Err(ErrorKind::ConfirmationDeclined(Box::new(subject.clone())).into()),
    }
}

pub(crate) fn invalid(subject: &Subject, broken: BrokenSeal) -> Error {
    Error::new(ErrorKind::ConfirmationInvalid {
        subject: Box::new(subject.clone()),
        expired: broken == BrokenSeal::Expired,
    })
}

fn binding(purpose: Purpose, subject: &Subject) -> Vec<u8> {
    let purpose = match purpose {
        Purpose::Token => "token",
        Purpose::Question => "question",
    };
    format!("{purpose}\n{}", subject.binding()).into_bytes()
}

fn expiry() -> String {
    let now = Timestamp::now();
    let end = now.checked_add(300.seconds()).unwrap_or(now);
    format!("{end:.0}")
}
