//! What one kind of write has to provide, and what can come of it.

use crate::{
    api::{ApiError, ApiResponse, Client},
    app::{
        approval::{Approval, ApprovalToken},
        context::Context,
        error::{Error, Mismatch},
        write::conditions::First,
    },
    domain::guard::Operation,
    model::{Session, SessionId},
};

/// The answer to a write. It holds the session afterwards, if the API gives it.
pub(crate) type Sent = Result<ApiResponse<Option<Session>>, ApiError>;

/// One kind of write. What is sent is computed from a fresh reading each time it is sent.
pub(crate) trait GuardedWrite: Send + Sync {
    type Prepared: Default + Send + Sync;

    fn operation(&self) -> Operation;

    /// Whether there is something to do that the record does not show, where by the record there
    /// is nothing.
    fn acts_anyway(
        &self,
        _: &Context,
        _: &Session,
    ) -> impl Future<Output = Result<bool, Error>> + Send {
        std::future::ready(Ok(false))
    }

    /// Computes what to send for the session as it is now; `None` if it already is as asked.
    fn prepare(&self, _: &Session) -> Result<Option<Self::Prepared>, Error> {
        Ok(Some(Self::Prepared::default()))
    }

    /// Looks at what the session's record does not show, before it is written and in a dry run.
    /// True if the session has to be read again because that took a request.
    fn inspect(
        &mut self,
        _: &Context,
        _: &Session,
    ) -> impl Future<Output = Result<bool, Error>> + Send {
        std::future::ready(Ok(false))
    }

    /// What has to happen before anything is sent, an interrupt included, to a session that the
    /// guard let through. `busy`: its turn is about to be stopped for this write.
    fn approve(
        &mut self,
        _: &Context,
        _: &Session,
        _busy: bool,
    ) -> impl Future<Output = Result<Approval, Error>> + Send {
        std::future::ready(Ok(Approval::Granted))
    }

    /// Sends it, once: whether it is sent again is decided on a new reading.
    fn send(
        &self,
        client: &Client,
        id: &SessionId,
        prepared: &Self::Prepared,
    ) -> impl Future<Output = Sent> + Send;

    /// Whether the session is gone afterwards, so that only reading it verifies the write.
    fn removes(&self) -> bool {
        false
    }

    /// Whether the session afterwards is as asked.
    fn verify(&self, _: &Self::Prepared, _: &Session) -> Result<(), Mismatch> {
        Ok(())
    }

    /// Why the service refuses what the guard allowed, where the session's record does not show
    /// that.
    fn reason_of_rejection(
        &mut self,
        _: &Context,
        _: &Session,
    ) -> impl Future<Output = Option<Error>> + Send {
        std::future::ready(None)
    }

    /// Looks, before the session is read again after a failure, at what its record does not show:
    /// whether a write whose answer was `lost` took effect. `None`: its record shows that.
    fn look_back(
        &mut self,
        _: &Context,
        _lost: bool,
    ) -> impl Future<Output = Result<Option<bool>, Error>> + Send {
        std::future::ready(Ok(None))
    }

    /// Whether it may be sent again when its answer was lost and it did not take effect.
    fn is_repeatable(&self) -> bool {
        true
    }
}

pub(crate) enum Written<P> {
    /// The session already was as asked; nothing was sent.
    Unchanged(Session),
    DryRun {
        session: Session,
        prepared: P,
        /// What would come first, since the session is busy.
        first: Option<First>,
    },
    /// This will be sent once the caller comes back with the token.
    NeedsApproval { session: Session, token: ApprovalToken },
    /// Sent, accepted and verified.
    Done {
        /// The session as it was read right before.
        before: Session,
        prepared: P,
        after: Option<Box<Session>>,
    },
}

impl<P> Written<P> {
    /// What a dry run says would come first.
    pub(crate) fn first(&self) -> Option<First> {
        match self {
            Self::DryRun { first, .. } => *first,
            _ => None,
        }
    }
}
