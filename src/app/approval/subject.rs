//! What has to be approved, and the question about it.

use crate::{
    domain::waiting::WaitingCall,
    model::{SessionHead, SessionId},
};

#[derive(Debug, Clone)]
pub(crate) enum Subject {
    /// The deletion of one session.
    Deletion {
        session: Box<SessionHead>,
        /// Its id as the caller gave it.
        id: SessionId,
        /// What tells this state of it from others; empty while it is busy.
        version: String,
        busy: bool,
        /// It will be exported first.
        exported: bool,
    },
    PlanDeletion(Box<PlanDeletion>),
    /// That a tool call which waits is carried out.
    Allowance {
        session: Box<SessionHead>,
        /// Its id as the caller gave it.
        id: SessionId,
        call: WaitingCall,
        /// The whole input of the call, cut to what a person can read.
        input: Option<String>,
        /// The same in JSON, not cut.
        whole_input: String,
    },
}

/// The deletion of the sessions of a plan.
#[derive(Debug, Clone)]
pub(crate) struct PlanDeletion {
    pub plan_id: String,
    pub sessions: usize,
    pub list_cost: Option<String>,
    /// The first of them.
    pub titles: Vec<String>,
    /// The names of their agents, each once.
    pub agents: Vec<String>,
    /// When the oldest and the newest of them were created.
    pub created: Option<(String, String)>,
    /// Each is exported first.
    pub exported: bool,
}

impl Subject {
    /// What an approval is bound to.
    pub(crate) fn binding(&self) -> String {
        match self {
            Self::Deletion { id, version, busy, .. } => {
                // A busy session changes all the time: what is approved is that it is stopped.
                let interrupt = if *busy { "interrupt and " } else { "" };
                format!("{interrupt}delete\n{id}\n{version}")
            }
            Self::PlanDeletion(plan) => format!("delete {}", plan.plan_id),
            Self::Allowance { id, call, whole_input, .. } => {
                let (tool, input) = (call.tool.as_deref().unwrap_or_default(), whole_input);
                format!("allow\n{id}\n{}\n{tool}\n{input}", call.event_id)
            }
        }
    }
}

/// A question that the adapter asks after the call has ended.
#[derive(Debug, Clone)]
pub(crate) struct PendingQuestion {
    pub subject: Subject,
    /// What the adapter brings back with the reply, sealed.
    pub state: String,
}
