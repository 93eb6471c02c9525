//! Building JSON.

use serde_json::Value;

/// `object` with one more field, if that has a value.
pub(super) fn with_field(mut object: Value, key: &str, value: Option<Value>) -> Value {
    if let (Some(object), Some(value)) = (object.as_object_mut(), value) {
        object.insert(key.to_owned(), value);
    }
    object
}
