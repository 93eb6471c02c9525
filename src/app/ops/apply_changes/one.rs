//! What a plan does to one session.

use std::sync::Arc;

use tokio::time::sleep;

use crate::{
    app::{
        audit::{End, Ended},
        context::Context,
        error::{Blame, Error, ErrorKind, not_in_history},
        ops::{
            archive_session::Archive,
            delete_session::Deletion,
            interrupt_session::Interrupt,
            update_session_tools::{UpdateTools, changed, undo},
        },
        plan::{
            action::Action,
            draft::newest_id,
            progress::SkipReason,
            store::{Claim, Plan, PlannedSession, Settlement, Undo},
        },
        services::Services,
        waiting::{self, Look},
        write::{Conditions, Written, write},
    },
    domain::{
        code::Code,
        events::kind,
        fingerprint::Fingerprint,
        guard::Operation,
        turns::{has_ended, newest_turn},
    },
    model::{Event, Session},
};

const CHANGED: Settlement = Settlement::Skipped(SkipReason::Code(Code::SessionChanged));

/// What became of one session, and whether everything has to slow down because of it.
pub(super) enum Worked {
    Settled(Settlement),
    SlowDown(Error),
    Stop(Error),
}

pub(super) async fn work(services: &Services, cx: &Context, claim: &Claim) -> Worked {
    let (session, action) = (&claim.session, claim.plan.order.action);
    let settled = match has_taken_effect(cx, action, session).await {
        Ok(true) => Ok(Settlement::Done(planned_undo(session))),
        Ok(false) => Box::pin(write_one(services, cx, &claim.plan, session)).await,
        Err(error) => Err(error),
    };
    // A write of an earlier call may still have been carried out.
    let in_doubt = |error: Error| {
        let operation = action.operation();
        if session.in_doubt { error.in_doubt(&session.id, operation) } else { error }
    };
    let settled = settled.map_err(in_doubt);
    match settled {
        Ok(settlement) => Worked::Settled(settlement),
        Err(error) => match error.blame() {
            Blame::Service => Worked::SlowDown(error),
            Blame::Setup => Worked::Stop(error),
            Blame::Session => Worked::Settled(skipped_or_failed(error)),
        },
    }
}

/// Writes the session's own line: that it is settled, or that a write was sent whose end is not
/// known. What is only put off has none.
pub(super) fn audit(cx: &Context, action: Action, worked: &Worked) {
    let trail = cx.trail();
    let (end, error) = match worked {
        Worked::Settled(Settlement::Done(_)) => (End::Outcome(action.done().to_owned()), None),
        Worked::Settled(Settlement::Skipped(reason)) => {
            (End::Outcome(format!("skipped: {}", reason.as_str())), None)
        }
        Worked::Settled(Settlement::Failed(error)) => (End::Code(error.code()), Some(error)),
        Worked::SlowDown(error) | Worked::Stop(error) if trail.has_begun() => {
            (End::Code(error.code()), Some(error))
        }
        Worked::Settled(Settlement::Retry { .. }) | Worked::SlowDown(_) | Worked::Stop(_) => return,
    };
    if let Some(call) = trail.audited() {
        let last_write = trail.last_write();
        let request_id = error.and_then(Error::request_id).or(last_write.as_deref());
        let in_doubt = trail.is_in_doubt() || error.is_some_and(Error::is_in_doubt);
        call.ended(Ended { end, request_id, in_doubt });
    }
}

/// A session that is no longer as planned is skipped, unless a write may have been carried out.
fn skipped_or_failed(error: Error) -> Settlement {
    let code = error.code();
    if error.is_in_doubt() {
        return Settlement::Failed(error);
    }
    match code {
        Code::NotFound
        | Code::AgentNotAllowed
        | Code::SessionChanged
        | Code::SessionRunning
        | Code::SessionRescheduling
        | Code::SessionArchived
        | Code::SessionTerminated
        | Code::StatusUnrecognized
        | Code::SessionWaiting
        | Code::WorkflowRunOpen
        | Code::InvalidToolset => Settlement::Skipped(SkipReason::Code(code)),
        _ => Settlement::Failed(error),
    }
}

/// What takes back a change of tools whose answer was lost: as it was planned.
fn planned_undo(session: &PlannedSession) -> Option<Undo> {
    let tools = session.tools.as_ref()?;
    let patch = tools.undo.clone().map(Arc::new);
    Some(Undo { patch, updated_at: None, fingerprint: None })
}

/// Whether a write whose end was in doubt has taken effect after all.
async fn has_taken_effect(
    cx: &Context,
    action: Action,
    session: &PlannedSession,
) -> Result<bool, Error> {
    if !session.in_doubt {
        return Ok(false);
    }
    if action == Action::Interrupt {
        let events = waiting::turn_events(cx, &session.id).await?;
        return Ok(has_ended(&events) || !is_planned_turn(&events, session));
    }
    match (cx.read_session(&session.id).await, action) {
        (Ok(session), Action::Archive) => Ok(session.head.is_archived()),
        (Ok(read), Action::UpdateTools) => match &session.tools {
            Some(tools) => Ok(changed(&tools.patch, &read)?.is_none()),
            None => Ok(false),
        },
        (Ok(_), Action::Delete | Action::Interrupt) => Ok(false),
        (Err(error), Action::Delete) if error.is_gone() => Ok(true),
        (Err(error), _) => Err(error),
    }
}

async fn write_one(
    services: &Services,
    cx: &Context,
    plan: &Plan,
    session: &PlannedSession,
) -> Result<Settlement, Error> {
    let include_waiting = plan.order.include_waiting;
    let action = plan.order.action;
    if action == Action::Interrupt {
        return interrupt_one(services, cx, session, include_waiting).await;
    }
    let id = &session.id;
    let look = if include_waiting {
        Look::none()
    } else {
        let events = waiting::events(cx, id).await?;
        if session.newest_event.is_some() && newest_id(&events) != session.newest_event {
            return Ok(CHANGED);
        }
        Look::refusing(events)
    };
    let conditions = Conditions {
        expected_updated_at: session.updated_at.clone(),
        expected_fingerprint: session.fingerprint,
        ..Conditions::default()
    };
    match action {
        // Done above, without a version: what it is bound to is the turn.
        Action::Interrupt => Err(ErrorKind::Internal.into()),
        Action::Archive => {
            let mut archive = Archive::new(services, look);
            let written = write(services, cx, id, &conditions, &mut archive).await?;
            Ok(settled(&written, None))
        }
        Action::Delete => {
            let mut deletion = Deletion::approved(services, id, look);
            let written = Box::pin(write(services, cx, id, &conditions, &mut deletion)).await?;
            Ok(settled(&written, None))
        }
        Action::UpdateTools => {
            let Some(tools) = &session.tools else {
                return Err(ErrorKind::Internal.into());
            };
            let mut update = UpdateTools::planned(services, &tools.patch, look);
            let written = write(services, cx, id, &conditions, &mut update).await?;
            let undo = undo(&written).map(|patch| Undo {
                patch: patch.map(Arc::new),
                updated_at: after(&written).and_then(|after| after.head.updated_at.clone()),
                fingerprint: after(&written).map(Fingerprint::of),
            });
            Ok(settled(&written, undo))
        }
    }
}

/// Stops the turn that the session was in when the plan was made, and no other.
async fn interrupt_one(
    services: &Services,
    cx: &Context,
    session: &PlannedSession,
    include_waiting: bool,
) -> Result<Settlement, Error> {
    let id = &session.id;
    let events = waiting::turn_events(cx, id).await?;
    if !is_planned_turn(&events, session) {
        return Ok(CHANGED);
    }
    let mut interrupt = Interrupt::planned(id, &events, include_waiting);
    let written = write(services, cx, id, &Conditions::default(), &mut interrupt).await?;
    if let Written::Done { before, .. } = &written
        && !interrupt.is_acknowledged()
    {
        ensure_in_history(services, cx, session, before, &events).await?;
    }
    Ok(settled(&written, None))
}

/// Looks for an interrupt that the service accepted without naming it: in the history, or by the
/// end of the turn.
async fn ensure_in_history(
    services: &Services,
    cx: &Context,
    session: &PlannedSession,
    before: &Session,
    known: &[Event],
) -> Result<(), Error> {
    let is_known = |event: &Event| known.iter().any(|each| each.get("id") == event.get("id"));
    let is_new = |event: &Event| kind(event) == "user.interrupt" && !is_known(event);
    let mut pauses = services.settings.pauses.conflict.iter();
    loop {
        let Ok(events) = waiting::turn_events(cx, &session.id).await else {
            // It was accepted: what cannot be looked at is no failure.
            return Ok(());
        };
        let is_over = has_ended(&events) || !is_planned_turn(&events, session);
        if events.is_empty() || is_over || events.iter().any(is_new) {
            return Ok(());
        }
        match pauses.next() {
            Some(pause) => sleep(*pause).await,
            None => {
                return Err(not_in_history(before, Operation::Interrupt, cx.trail().last_write()));
            }
        }
    }
}

/// Whether the turn is still the one that the session was in when the plan was made.
fn is_planned_turn(events: &[Event], session: &PlannedSession) -> bool {
    newest_turn(events) == session.turn.as_deref()
}

fn after<P>(written: &Written<P>) -> Option<&Session> {
    match written {
        Written::Done { after, .. } => after.as_deref(),
        _ => None,
    }
}

fn settled<P>(written: &Written<P>, undo: Option<Undo>) -> Settlement {
    match written {
        Written::Done { .. } => Settlement::Done(undo),
        // Somebody else has done it.
        Written::Unchanged(_) | Written::DryRun { .. } | Written::NeedsApproval { .. } => {
            Settlement::Skipped(SkipReason::NothingToDo)
        }
    }
}
