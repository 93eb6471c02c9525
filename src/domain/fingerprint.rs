//! What of a session can be written, in short: tells two states of it apart where `updated_at`
//! does not.

use std::hash::{DefaultHasher, Hash as _, Hasher};

use serde_json::Value;

use crate::model::Session;

/// Title, metadata, budget, tools and MCP servers, each as far as a service shows it: lists of some
/// leave parts out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([Option<u64>; 5]);

impl Fingerprint {
    /// That of a session as it was read.
    pub(crate) fn of(session: &Session) -> Self {
        let title = session.head.title.as_deref().map_or(Value::Null, Value::from);
        let metadata = Value::Object(session.head.metadata.clone());
        // Some lists have empty arrays in place of what they leave out.
        let is_empty = |value: &&Value| value.as_array().is_some_and(Vec::is_empty);
        let array = |field| session.agent_field(field).filter(|value| !is_empty(value));
        Self([
            Some(hash(&title)),
            Some(hash(&metadata)),
            session.fields.get("budget").map(hash),
            array("tools").map(hash),
            array("mcp_servers").map(hash),
        ])
    }

    /// Whether what both show is the same.
    pub(crate) fn agrees(self, other: Self) -> bool {
        let mut parts = self.0.into_iter().zip(other.0);
        parts.all(|(one, other)| one.is_none() || other.is_none() || one == other)
    }
}

/// Regardless of the order of keys.
fn hash(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    feed(value, &mut hasher);
    hasher.finish()
}

fn feed(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            (1_u8, fields.len()).hash(hasher);
            for (name, value) in fields {
                name.hash(hasher);
                feed(value, hasher);
            }
        }
        Value::Array(values) => {
            (2_u8, values.len()).hash(hasher);
            for value in values {
                feed(value, hasher);
            }
        }
        other => other.to_string().hash(hasher),
    }
}
