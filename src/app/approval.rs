//! Confirming what cannot be taken back: by a token that an earlier call answered, or by a person
//! whom the host asks.
//!
//! A token is sealed with a random key of this process and bound to its subject, so that it can
//! neither be computed nor used for anything else, and ends after five minutes. The same seal
//! guards the state that hosts of the newer protocol carry back with a person's answer; the two
//! are sealed apart, so that a question's state never passes for a token.

use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};
use rmcp::model::{
    ElicitResult, ElicitationAction, RequestStateCodec, RequestStateError, SealOptions,
};

use crate::{
    config::ConfirmDeletes,
    explain::Failure,
    mcp::call::{Call, Person},
};

/// How long a token, or a question, is good for.
const GOOD_FOR: Duration = Duration::from_secs(5 * 60);
/// How long a person is waited for within a call.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// What tells the uses of the seal apart.
const TOKEN: &str = "token";
const QUESTION: &str = "question";

/// What is to be confirmed.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// What the confirmation is good for and nothing else: what is to be done, to what, in which
    /// version. A call whose subject differs in one character needs another confirmation.
    pub(crate) bound_to: String,
    /// What failures call it: `deleting session sesn_1 ("Fix the login")`.
    pub(crate) named: String,
    /// What a person is asked, with what will be lost.
    pub(crate) question: String,
}

/// Whether it may be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Confirmed {
    /// It was confirmed, or needs no confirmation.
    Yes,
    /// Not before the caller comes back with this.
    Needs(Token),
}

/// Good for one subject and five minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) token: String,
    /// RFC 3339.
    pub(crate) expires_at: String,
}

/// Asks for confirmations, in the way the operator wants.
#[derive(Debug)]
pub(crate) struct Confirmer {
    way: ConfirmDeletes,
    /// Absent if this machine gave no random key; then nothing can be confirmed.
    seal: Option<RequestStateCodec>,
}

impl Confirmer {
    pub(crate) fn new(way: ConfirmDeletes) -> Self {
        let mut key = [0_u8; 32];
        let filled = getrandom::fill(&mut key);
        Self {
            way,
            seal: filled
                .ok()
                .and_then(|()| RequestStateCodec::try_new(key).ok()),
        }
    }

    /// Whether anything must be confirmed at all.
    pub(crate) fn is_on(&self) -> bool {
        self.way != ConfirmDeletes::Off
    }

    /// Whether the subject may be carried out. To be asked with a subject made from a reading
    /// that is no older than the call, and once a call.
    ///
    /// # Errors
    /// `confirmation_invalid` for a token that is wrong, foreign, stale or expired;
    /// `confirmation_declined` when a person said no. Where a host of the newer protocol must
    /// ask first, the failure is one that [`Call`] turns into the question.
    pub(crate) async fn confirm(
        &self,
        call: &Call,
        given: Option<&str>,
        subject: &Subject,
    ) -> Result<Confirmed, Failure> {
        if !self.is_on() {
            return Ok(Confirmed::Yes);
        }
        let Some(seal) = &self.seal else {
            return Err(Failure::internal(call.tool()));
        };
        if let Some(given) = given {
            let opened = seal.open_with(given, &bound(TOKEN, subject));
            return match opened {
                Ok(_) => Ok(Confirmed::Yes),
                Err(error) => Err(invalid(call, subject, &error)),
            };
        }
        if self.way == ConfirmDeletes::Elicit {
            if let Some((state, answer)) = call.answered() {
                let opened = seal.open_with(&state, &bound(QUESTION, subject));
                opened.map_err(|error| invalid(call, subject, &error))?;
                return said(call, subject, &answer);
            }
            match call.person() {
                Person::InThisCall => {
                    if let Some(answer) = call.ask(&subject.question, PATIENCE).await {
                        return said(call, subject, &answer);
                    }
                }
                Person::BetweenCalls => {
                    let state = sealed(seal, QUESTION, subject);
                    return Err(call.ask_first(&subject.question, state));
                }
                Person::Unreachable => {}
            }
        }
        Ok(Confirmed::Needs(Token {
            expires_at: expiry(),
            token: sealed(seal, TOKEN, subject),
        }))
    }
}

/// What a person's answer means: only an explicit yes is one.
fn said(call: &Call, subject: &Subject, answer: &ElicitResult) -> Result<Confirmed, Failure> {
    let content = answer.content.as_ref();
    let ticked = content.and_then(|content| content.get("confirm")?.as_bool()) == Some(true);
    if answer.action == ElicitationAction::Accept && ticked {
        return Ok(Confirmed::Yes);
    }
    Err(Failure::confirmation_declined(call.tool(), &subject.named))
}

fn invalid(call: &Call, subject: &Subject, error: &RequestStateError) -> Failure {
    let expired = matches!(error, RequestStateError::Expired);
    Failure::confirmation_invalid(call.tool(), &subject.named, expired)
}

fn sealed(seal: &RequestStateCodec, using: &str, subject: &Subject) -> String {
    let bound = bound(using, subject);
    let options = SealOptions::new().associated_data(&bound).ttl(GOOD_FOR);
    seal.seal_with(&[], &options)
}

fn bound(using: &str, subject: &Subject) -> Vec<u8> {
    format!("{using}\n{}", subject.bound_to).into_bytes()
}

/// To the second, rounded down.
fn expiry() -> String {
    let now = Timestamp::now();
    let end = now.checked_add(300.seconds()).unwrap_or(now);
    format!("{end:.0}")
}

#[cfg(test)]
mod tests {
    use crate::{
        app::approval::{
            Confirmer, QUESTION, RequestStateCodec, RequestStateError, Subject, TOKEN, bound,
            sealed,
        },
        config::ConfirmDeletes,
    };

    #[test]
    fn a_seal_holds_for_one_use_one_subject_and_one_process() {
        let one = Confirmer::new(ConfirmDeletes::Token).seal.unwrap();
        let other = Confirmer::new(ConfirmDeletes::Token).seal.unwrap();
        let subject = |bound_to: &str| Subject {
            bound_to: bound_to.to_owned(),
            named: String::new(),
            question: String::new(),
        };
        let (a, b) = (subject("delete a"), subject("delete b"));
        let token = sealed(&one, TOKEN, &a);
        let open = |seal: &RequestStateCodec, sealed: &str, using, subject| {
            let opened = seal.open_with(sealed, &bound(using, subject));
            opened.map_err(|error| error.to_string())
        };
        let refused = Err(RequestStateError::IntegrityCheckFailed.to_string());
        assert_eq!(open(&one, &token, TOKEN, &a), Ok(Vec::new()));
        assert_eq!(open(&one, &token, TOKEN, &b), refused);
        assert_eq!(open(&one, &token, QUESTION, &a), refused);
        assert_eq!(open(&other, &token, TOKEN, &a), refused);
        let question = sealed(&one, QUESTION, &a);
        assert_eq!(open(&one, &question, TOKEN, &a), refused);
    }
}
