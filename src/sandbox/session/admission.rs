//! Whether a session takes a request's events. They are rehearsed in order first, since a request
//! is taken whole or refused whole, and each event changes what the next one meets.

use serde_json::Value;

use super::{
    Session, Status,
    inbox::{IncomingEvent, Request},
    pending::{Answer, Awaited, PendingCall},
};
use crate::sandbox::{
    quirks::{Quirk, Quirks},
    rejection::{Rejection, Result},
};

/// The session as the next event of the request would meet it.
struct Rehearsal {
    busy: bool,
    pending: Vec<PendingCall>,
    /// Each with the place of its thread.
    pending_in_children: Vec<(usize, PendingCall)>,
    outcome_open: bool,
}

impl Session {
    /// Checks that the session takes all of `events`.
    pub(super) fn admit(&self, events: &[IncomingEvent], quirks: &Quirks) -> Result<()> {
        if self.archived_at.is_some() {
            let message = "The session is archived and takes no new events.";
            return Err(Rejection::conflict(message));
        }
        if self.turn.status == Status::Terminated {
            let message = "The session is terminated and takes no new events.";
            return Err(Rejection::conflict(message));
        }
        let mut rehearsal = Rehearsal {
            busy: self.primary_is_busy(),
            pending: self.turn.pending_calls.clone(),
            pending_in_children: self.pending_in_children(),
            outcome_open: self.has_open_outcome(),
        };
        let mut previous: Option<&Request> = None;
        for (position, event) in events.iter().enumerate() {
            match &event.request {
                Request::Message => self.admit_work(&mut rehearsal, quirks)?,
                Request::DefineOutcome => {
                    if rehearsal.outcome_open {
                        let message = "The session already works on an outcome; define the next \
                                       one when that is completed.";
                        return Err(Rejection::invalid(message));
                    }
                    self.admit_work(&mut rehearsal, quirks)?;
                    rehearsal.outcome_open = true;
                }
                Request::SystemMessage => {
                    let last = position + 1 == events.len();
                    if !last || !previous.is_some_and(Request::takes_system_message) {
                        let complaint = "must be the last event and follow a user.message, a \
                                         user.tool_result or a user.custom_tool_result";
                        return Err(Rejection::field(&format!("events.{position}"), complaint));
                    }
                }
                Request::Interrupt(thread) => {
                    self.rehearse_interrupt(&mut rehearsal, thread.as_deref())?;
                }
                Request::Answer(answer) => self.admit_answer(&mut rehearsal, answer)?,
            }
            previous = Some(&event.request);
        }
        Ok(())
    }

    /// A message or an outcome: starts a turn, or is queued while one is under way.
    fn admit_work(&self, rehearsal: &mut Rehearsal, quirks: &Quirks) -> Result<()> {
        if rehearsal.busy {
            return Ok(());
        }
        if self.out_of_budget() {
            let message = "The session has reached its budget. Raise or remove the budget first.";
            return Err(Rejection::invalid(message).with_code("budget_reached"));
        }
        if rehearsal.pending.is_empty() {
            rehearsal.busy = true;
            return Ok(());
        }
        if quirks.has(Quirk::QueuesWhileWaiting) {
            return Ok(());
        }
        Err(Rejection::invalid(
            "The session waits for answers to tool calls. Answer them or send a user.interrupt \
             event first.",
        ))
    }

    fn pending_in_children(&self) -> Vec<(usize, PendingCall)> {
        let children = self.threads.iter().enumerate();
        let pending = children
            .flat_map(|(index, thread)| thread.pending_calls.iter().map(move |call| (index, call)));
        pending.map(|(index, call)| (index, call.clone())).collect()
    }

    fn rehearse_interrupt(&self, rehearsal: &mut Rehearsal, thread: Option<&str>) -> Result<()> {
        if let Some(thread) = thread.filter(|thread| !self.has_thread(thread)) {
            let complaint = format!("there is no thread {thread:?}");
            return Err(Rejection::field("session_thread_id", complaint));
        }
        let child = thread.and_then(|thread| self.child(thread));
        let stops = |index| thread.is_none() || child == Some(index);
        rehearsal.pending_in_children.retain(|(index, _)| !stops(*index));
        if child.is_some() {
            return Ok(());
        }
        if rehearsal.busy || !self.out_of_budget() {
            rehearsal.outcome_open &= !rehearsal.busy && rehearsal.pending.is_empty();
            rehearsal.busy = false;
            rehearsal.pending.clear();
        }
        Ok(())
    }

    fn admit_answer(&self, rehearsal: &mut Rehearsal, answer: &Answer) -> Result<()> {
        let call = &answer.call;
        if answer.awaited == Awaited::ToolResult && !self.self_hosted {
            let message = "user.tool_result is only for sessions in self-hosted environments.";
            return Err(Rejection::invalid(message));
        }
        if let Some(index) = rehearsal.pending.iter().position(|pending| answer.fits(pending)) {
            let pending = rehearsal.pending.remove(index);
            let executed_by_client = pending.awaits == Awaited::Confirmation
                && answer.deny_message.is_none()
                && self.is_executed_by_client(&pending);
            if executed_by_client {
                let awaits = Awaited::ToolResult;
                rehearsal.pending.insert(index, PendingCall { awaits, ..pending });
            }
            rehearsal.busy = rehearsal.pending.is_empty() && !self.out_of_budget();
            return Ok(());
        }
        let children = &mut rehearsal.pending_in_children;
        if let Some(index) = children.iter().position(|(_, pending)| answer.fits(pending)) {
            let (thread, pending) = children.remove(index);
            let executed_by_client = pending.awaits == Awaited::Confirmation
                && answer.deny_message.is_none()
                && self.is_executed_by_client(&pending);
            if executed_by_client {
                let awaits = Awaited::ToolResult;
                children.insert(index, (thread, PendingCall { awaits, ..pending }));
            }
            return Ok(());
        }
        if answer.awaited != Awaited::Confirmation {
            let message = format!("The session is not waiting for a result of {call:?}.");
            return Err(Rejection::invalid(message));
        }
        let made = self.history.find(call);
        let permission = made.and_then(|made| made.get("evaluated_permission"));
        match permission.and_then(Value::as_str) {
            Some("ask") => Ok(()),
            Some(permission) => Err(Rejection::invalid(format!(
                "The call {call:?} takes no confirmation: its evaluated_permission is \
                 {permission:?}."
            ))),
            None => {
                let message = format!("There is no call {call:?} that takes a confirmation.");
                Err(Rejection::invalid(message))
            }
        }
    }
}
