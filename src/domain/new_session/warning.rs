//! What is worth a second thought about a new session.

use crate::domain::toolset::Warning;

/// Something about a new session that the caller may not have meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartWarning {
    /// About its tools.
    Toolset(Warning),
    /// This repository is taken over without its token, which the service does not give out.
    WithoutToken(String),
    /// This resource cannot be taken over: its type, and its path or id.
    ResourceLeftOut(String, Option<String>),
    /// The copied session has these fields of its agent in a form of its own, which are not taken
    /// over.
    AgentFieldsLeftOut(Vec<&'static str>),
    /// The copied session's tools differ from those of the agent given, which are used.
    ToolsLeftOut,
    /// The agent cannot be read, so it is not known whether the copied session has tools of its
    /// own; the new one has the agent's.
    ToolsUnknown,
    /// There is nothing to wait for without a message.
    NothingToWaitFor,
}
