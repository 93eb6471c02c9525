//! How the adapter that shows a text names operations.

use serde_json::{Map, Value};

use crate::app::op::Op;

/// The next step where every possible one needs an operation that is not offered.
pub(crate) const DISABLED: &str =
    "ask the operator of this server: what would help needs a tool that its configuration disables";

/// The adapter's names for operations; an operation that it does not offer has none.
pub(crate) trait Vocabulary: Send + Sync {
    /// The name the reader knows the operation by, such as `get_session`; `None` if the reader
    /// cannot call it here.
    fn name(&self, op: Op) -> Option<&str>;

    /// Whether the operator disabled what this operation does, so that no other does it either.
    fn is_disabled(&self, op: Op) -> bool {
        let _ = op;
        false
    }

    /// The call in words, such as `call get_session with {"session_id":"sesn_1"}`; `None` if the
    /// reader cannot call it here.
    fn invoke(&self, op: Op, args: &[(&str, Value)]) -> Option<String> {
        let name = self.name(op)?;
        if args.is_empty() {
            return Some(format!("call {name}"));
        }
        let args = args.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let args = Value::Object(args.collect::<Map<String, Value>>());
        Some(format!("call {name} with {args}"))
    }

    /// The name of the operation that was called, offered or not.
    fn called(&self, op: Op) -> &str {
        self.name(op).unwrap_or_else(|| op.name())
    }

    /// A next step that begins with this call; `otherwise` where it is not offered.
    fn step_or(&self, op: Op, args: &[(&str, Value)], rest: &str, otherwise: &str) -> String {
        let call = self.invoke(op, args);
        call.map_or_else(|| otherwise.to_owned(), |call| call + rest)
    }

    /// A next step that begins with this call, which is the only one that would help.
    fn step(&self, op: Op, args: &[(&str, Value)], rest: &str) -> String {
        self.step_or(op, args, rest, DISABLED)
    }
}
