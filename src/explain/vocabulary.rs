//! How the adapter that shows a text names operations.

use serde_json::{Map, Value};

use crate::app::op::Op;

/// The adapter's names for operations; an operation that it does not offer has none.
pub(crate) trait Vocabulary: Send + Sync {
    /// The name the reader knows the operation by, such as `get_session`; `None` if the reader
    /// cannot call it here.
    fn name(&self, op: Op) -> Option<&str>;

    /// The call in words, such as `call get_session with {"session_id":"sesn_1"}`; `None` if the
    /// reader cannot call it here.
    fn invoke(&self, op: Op, args: &[(&str, Value)]) -> Option<String> {
        let name = self.name(op)?;
        if args.is_empty() {
            return Some(format!("call {name}"));
        }
        let args = args
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        let args = Value::Object(args.collect::<Map<String, Value>>());
        Some(format!("call {name} with {args}"))
    }
}
