//! Metadata, budgets and texts as request bodies give them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    fields::Fields,
    rejection::{Rejection, Result},
};

/// The metadata of a new object.
pub(super) fn metadata(fields: &Fields<'_>) -> Result<BTreeMap<String, String>> {
    let Some(value) = fields.value("metadata") else {
        return Ok(BTreeMap::new());
    };
    let values = value.as_object().into_iter().flat_map(|map| map.values());
    if values.into_iter().any(Value::is_null) {
        return Err(fields.error("metadata", "values must be strings"));
    }
    patch_metadata(&BTreeMap::new(), value)
}

/// `metadata` after a patch: strings are set, null deletes a key.
pub(super) fn patch_metadata(
    metadata: &BTreeMap<String, String>,
    patch: &Value,
) -> Result<BTreeMap<String, String>> {
    let error = |complaint: &str| Err(Rejection::field("metadata", complaint));
    let Some(patch) = patch.as_object() else {
        return error("must be an object");
    };
    let mut patched = metadata.clone();
    for (key, value) in patch {
        if !(1..=64).contains(&key.chars().count()) {
            return error(&format!("{key:?}: a key has 1 to 64 characters"));
        }
        match value {
            Value::Null => {
                patched.remove(key);
            }
            Value::String(text) if text.chars().count() <= 512 => {
                patched.insert(key.clone(), text.clone());
            }
            Value::String(_) => {
                return error(&format!("{key:?}: a value has at most 512 characters"));
            }
            _ => return error(&format!("{key:?}: a value is a string, or null to delete")),
        }
    }
    if patched.len() > 16 {
        return error("at most 16 pairs");
    }
    Ok(patched)
}

/// The `budget` in cents.
pub(super) fn budget(fields: &Fields<'_>) -> Result<Option<u64>> {
    let Some(limit) = fields.object("budget", "type max_list_cost")? else {
        return Ok(None);
    };
    limit.require_kind("limit")?;
    let cost = limit.required("max_list_cost")?;
    let cost = Fields::new(cost, limit.at("max_list_cost"))?;
    cost.allow("amount currency")?;
    if cost.required_text("currency")? != "USD" {
        return Err(cost.error("currency", "must be USD"));
    }
    let amount = cost.required_text("amount")?;
    let plain = amount.chars().all(|c| c.is_ascii_digit()) && !amount.starts_with('0');
    match amount.parse() {
        Ok(cents) if plain => Ok(Some(cents)),
        _ => {
            let complaint = "a positive integer of minor units, without leading zeros";
            Err(cost.error("amount", complaint))
        }
    }
}

/// Rejects a text of more than `max` characters.
pub(super) fn require_length(fields: &Fields<'_>, key: &str, max: usize) -> Result<()> {
    if fields.text(key)?.is_none_or(|text| text.chars().count() <= max) {
        return Ok(());
    }
    Err(fields.error(key, format_args!("at most {max} characters")))
}
