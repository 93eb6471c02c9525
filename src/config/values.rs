//! What the text of a setting means, or what would be valid.

use std::{collections::BTreeSet, fmt, num::NonZeroU32, time::Duration};

use url::Url;

use crate::{
    api::{AuthHeader, check_base_url},
    app::settings::ConfirmDeletes,
    domain::guard::KNOWN_STATUSES,
    mcp::settings::ToolGroup,
};

const MOST_RPM: NonZeroU32 = NonZeroU32::new(60_000).unwrap();

/// A value that is none of the valid ones, shown back (these values are no secrets).
pub(crate) fn none_of(text: &str, valid: impl fmt::Display) -> String {
    format!("is {text:?}; give {valid}")
}

pub(crate) fn timeout(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds @ 1..=600) => Ok(Duration::from_secs(seconds)),
        _ => Err(none_of(text, "whole seconds from 1 to 600")),
    }
}

pub(crate) fn confirm_deletes(text: &str) -> Result<ConfirmDeletes, String> {
    let mut known = ConfirmDeletes::ALL.into_iter();
    known
        .find_map(|(name, way)| name.eq_ignore_ascii_case(text).then_some(way))
        .ok_or_else(|| none_of(text, ConfirmDeletes::ALL.map(|(name, _)| name).join(", ")))
}

/// A name without anything that would make it two, or none.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c == ',' || c.is_control())
}

pub(crate) fn agent(text: &str) -> Result<(), &'static str> {
    is_name(text).then_some(()).ok_or("the id of an agent")
}

/// A status that this program knows cannot be declared to mean anything else.
pub(crate) fn idle_status(text: &str) -> Result<(), &'static str> {
    let known = KNOWN_STATUSES.contains(&text) || text == "archived";
    (is_name(text) && !known).then_some(()).ok_or(
        "a status name of a compatible service, none of idle, running, rescheduling, \
         terminated, archived",
    )
}

pub(crate) fn max_rpm(text: &str) -> Result<NonZeroU32, String> {
    match text.parse() {
        Ok(rpm) if rpm <= MOST_RPM => Ok(rpm),
        _ => Err(none_of(text, "a whole number from 1 to 60000")),
    }
}

pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(none_of(text, "true or false")),
    }
}

pub(crate) fn list(text: &str) -> Vec<String> {
    let names = text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

pub(crate) fn all_toolsets() -> BTreeSet<ToolGroup> {
    ToolGroup::ALL
        .into_iter()
        .map(|(_, toolset)| toolset)
        .collect()
}

pub(crate) fn toolsets(text: &str) -> Result<BTreeSet<ToolGroup>, String> {
    let names = list(text);
    if names == ["all"] {
        return Ok(all_toolsets());
    }
    let known = |name: &String| {
        ToolGroup::ALL
            .into_iter()
            .find_map(|(known, toolset)| (known == name).then_some(toolset))
    };
    match names.iter().map(known).collect::<Option<BTreeSet<_>>>() {
        Some(toolsets) if !toolsets.is_empty() => Ok(toolsets),
        _ => {
            let valid = ToolGroup::ALL.map(|(name, _)| name).join(", ");
            Err(none_of(
                text,
                format_args!("all, or some of {valid}, comma separated"),
            ))
        }
    }
}

pub(crate) fn base_url(text: &str) -> Result<Url, String> {
    // The text is not shown back: people paste URLs with passwords in them.
    let url = Url::parse(text).map_err(|error| format!("is not a URL ({error})"))?;
    check_base_url(&url).map_err(str::to_owned)?;
    Ok(url)
}

pub(crate) fn auth_header(text: &str) -> Result<AuthHeader, String> {
    match text.to_ascii_lowercase().as_str() {
        "authorization" => Ok(AuthHeader::Authorization),
        "x-api-key" => Ok(AuthHeader::XApiKey),
        _ => Err(none_of(text, "authorization or x-api-key")),
    }
}

pub(crate) fn header_value(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(none_of(text, "printable ASCII characters without spaces"))
}
