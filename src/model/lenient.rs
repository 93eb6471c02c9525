//! Fields that may be of an unexpected type.

use serde::{Deserialize as _, Deserializer, de::DeserializeOwned};
use serde_json::value::RawValue;

/// Reads a field as `T`, or as `T::default()` if the service sends something else. Fails only if
/// the text is not JSON at all.
pub(super) fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).unwrap_or_default())
}
