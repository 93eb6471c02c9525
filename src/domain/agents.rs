//! Agents by id and name.

/// An agent of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAgent {
    /// Its id.
    pub id: String,
    /// Its name, empty if the service gives none.
    pub name: String,
}

/// That no agent has this id or name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownAgent {
    /// What was given.
    pub wanted: String,
    /// The agents that there are, those most like it first.
    pub known: Vec<KnownAgent>,
    /// How many more there are.
    pub more: usize,
    /// Whether all agents were looked at.
    pub complete: bool,
}
