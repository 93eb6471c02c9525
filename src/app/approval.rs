//! Approval of what cannot be taken back: by a token from an earlier answer, or by a person whom
//! the adapter asks.
//!
//! A token is sealed by the adapter with a key of this process and bound to its subject, so that
//! it can neither be computed nor used for anything else, and expires after five minutes. The
//! same seal guards the state that a question carries to a later call; the two are sealed for
//! different purposes, so that a question's state never passes for a token.

pub(crate) mod subject;

use std::time::Duration;

use jiff::Timestamp;

use self::subject::{PendingQuestion, Subject};
use super::{
    caller::{ApprovalChannel, Reply},
    context::Context,
    error::{Error, ErrorKind},
    settings::Confirm,
};

const VALID_FOR: Duration = Duration::from_secs(5 * 60);
/// What a seal is good for.
const TOKEN: &str = "token";
const QUESTION: &str = "question";
/// How long a person is waited for within a call.
pub(crate) const APPROVAL_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Approval {
    /// It was approved, or needs no approval.
    Granted,
    /// It was approved, but that took its time: the session must be read and guarded again.
    Recheck,
    /// Not in this call: the caller has to come back with this token.
    Needs(ApprovalToken),
}

/// Valid for one subject and five minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApprovalToken {
    pub token: String,
    /// RFC 3339, to the second, rounded down.
    pub expires_at: String,
}

/// Seals text so that only this process can have made it.
pub(crate) trait Seal: Send + Sync {
    fn seal(&self, binding: &[u8], valid_for: Duration) -> String;

    fn check(&self, sealed: &str, binding: &[u8]) -> Result<(), BrokenSeal>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BrokenSeal {
    Expired,
    Invalid,
}

pub(crate) struct Approvals {
    deletes: Confirm,
    allowances: Confirm,
    /// Absent if this machine provides no random key; then nothing can be approved.
    seal: Option<Box<dyn Seal>>,
}

impl Approvals {
    /// How `deletes` are approved, and `allowances` of tool calls.
    pub(crate) fn new(deletes: Confirm, allowances: Confirm, seal: Option<Box<dyn Seal>>) -> Self {
        Self { deletes, allowances, seal }
    }

    pub(crate) fn are_required_for_deletes(&self) -> bool {
        self.deletes != Confirm::Off
    }

    pub(crate) fn are_required_for_allowances(&self) -> bool {
        self.allowances != Confirm::Off
    }

    /// Whether the subject may be carried out; [`ErrorKind::InputRequired`] when the adapter has
    /// to ask first. To be called once a call, with a subject made from a reading of this call.
    pub(crate) async fn approve(
        &self,
        cx: &Context,
        token: Option<&str>,
        subject: &Subject,
    ) -> Result<Approval, Error> {
        let way = match subject {
            Subject::Deletion { .. } | Subject::PlanDeletion(_) => self.deletes,
            Subject::Allowance { .. } => self.allowances,
        };
        if way == Confirm::Off {
            return Ok(Approval::Granted);
        }
        let seal = self.seal.as_ref().ok_or(ErrorKind::Internal)?;
        let check = |purpose, sealed: &str| {
            let opened = seal.check(sealed, &binding(purpose, subject));
            opened.map_err(|broken| invalid(subject, broken))
        };
        if let Some(token) = token {
            check(TOKEN, token)?;
            return Ok(Approval::Granted);
        }
        if way == Confirm::Elicit {
            match cx.approval() {
                ApprovalChannel::Answered { state, reply } => {
                    check(QUESTION, &state)?;
                    return approved_by(reply, subject).map(|()| Approval::Granted);
                }
                ApprovalChannel::Inline => {
                    if let Some(reply) = cx.ask(subject, APPROVAL_TIMEOUT).await {
                        return approved_by(reply, subject).map(|()| Approval::Recheck);
                    }
                }
                ApprovalChannel::Deferred => {
                    let state = seal.seal(&binding(QUESTION, subject), VALID_FOR);
                    let subject = subject.clone();
                    let question = PendingQuestion { subject, state };
                    return Err(ErrorKind::InputRequired(Box::new(question)).into());
                }
                ApprovalChannel::Unavailable => {}
            }
        }
        Ok(Approval::Needs(ApprovalToken {
            expires_at: format!("{:.0}", Timestamp::now() + VALID_FOR),
            token: seal.seal(&binding(TOKEN, subject), VALID_FOR),
        }))
    }
}

fn approved_by(reply: Reply, subject: &Subject) -> Result<(), Error> {
    match reply {
        Reply::Yes => Ok(()),
        Reply::No => Err(ErrorKind::ConfirmationDeclined(Box::new(subject.clone())).into()),
    }
}

pub(crate) fn invalid(subject: &Subject, broken: BrokenSeal) -> Error {
    Error::new(ErrorKind::ConfirmationInvalid {
        subject: Box::new(subject.clone()),
        expired: broken == BrokenSeal::Expired,
    })
}

fn binding(purpose: &str, subject: &Subject) -> Vec<u8> {
    format!("{purpose}\n{}", subject.binding()).into_bytes()
}
