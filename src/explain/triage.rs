//! The words for sessions that could not be looked at.

use std::collections::BTreeMap;

use crate::domain::code::Code;

/// One sentence; none if all could be read.
pub(crate) fn unread(unread: &BTreeMap<Code, usize>) -> Option<String> {
    let count: usize = unread.values().sum();
    let codes: Vec<&str> = unread.keys().map(|code| code.as_str()).collect();
    let codes = codes.join(", ");
    match count {
        0 => None,
        1 => Some(format!("1 session could not be read ({codes}) and counts as unknown")),
        many => Some(format!("{many} sessions could not be read ({codes}) and count as unknown")),
    }
}
