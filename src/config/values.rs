//! Parsers of the settings' values. An error says what is wrong and what is valid, and follows
//! the setting's name: `--max-rpm is "0"; give a whole number from 1 to 60000`.

use std::{collections::BTreeSet, fmt, num::NonZeroU32, time::Duration};

use tracing::level_filters::LevelFilter;
use url::Url;

use crate::{
    api::settings::{AuthHeader, check_base_url, parse_base_url},
    app::settings::{Confirm, DisabledOperations, operation_named, operation_names},
    mcp::settings::ToolGroup,
};

const MAX_RPM: NonZeroU32 = NonZeroU32::new(60_000).unwrap();

/// The values of an option by its id, where they are few; for completions.
pub fn known_values(option: &str) -> Vec<&'static str> {
    match option {
        "toolsets" => std::iter::once("all").chain(ToolGroup::ALL.map(ToolGroup::name)).collect(),
        "disable_tools" => operation_names(),
        "confirm_deletes" | "confirm_approvals" => Confirm::ALL.map(Confirm::name).into(),
        "log_level" => vec!["off", "error", "warn", "info", "debug", "trace"],
        _ => Vec::new(),
    }
}

/// Quotes the value: none of the settings that use this is secret.
pub(crate) fn invalid_value(text: &str, valid: impl fmt::Display) -> String {
    format!("is {text:?}; give {valid}")
}

pub(crate) fn timeout(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds @ 1..=600) => Ok(Duration::from_secs(seconds)),
        _ => Err(invalid_value(text, "whole seconds from 1 to 600")),
    }
}

pub(crate) fn rpm(text: &str) -> Result<NonZeroU32, String> {
    match text.parse() {
        Ok(rpm) if rpm <= MAX_RPM => Ok(rpm),
        _ => Err(invalid_value(text, "a whole number from 1 to 60000")),
    }
}

pub(crate) fn confirm(text: &str) -> Result<Confirm, String> {
    Confirm::ALL.into_iter().find(|mode| mode.name().eq_ignore_ascii_case(text)).ok_or_else(|| {
        let valid = Confirm::ALL.map(Confirm::name).join(", ");
        invalid_value(text, format_args!("one of {valid}"))
    })
}

pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(invalid_value(text, "true or false")),
    }
}

/// Splits at commas; blank entries are dropped.
pub(crate) fn list(text: &str) -> Vec<String> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

pub(crate) fn tool_groups(text: &str) -> Result<BTreeSet<ToolGroup>, String> {
    let names = list(text);
    if names == ["all"] {
        return Ok(ToolGroup::ALL.into());
    }
    let parse = |name: &String| {
        let mut all = ToolGroup::ALL.into_iter();
        all.find(|group| group.name() == name)
    };
    match names.iter().map(parse).collect::<Option<BTreeSet<_>>>() {
        Some(groups) if !groups.is_empty() => Ok(groups),
        _ => {
            let valid = ToolGroup::ALL.map(ToolGroup::name).join(", ");
            Err(invalid_value(text, format_args!("all, or some of {valid}, comma-separated")))
        }
    }
}

pub(crate) fn tool_names(text: &str) -> Result<DisabledOperations, String> {
    let names = list(text);
    let parse = |name: &String| operation_named(name).ok_or_else(|| name.clone());
    match names.iter().map(parse).collect::<Result<DisabledOperations, _>>() {
        Ok(tools) if !tools.is_empty() => Ok(tools),
        other => {
            let unknown = other.err().map(|name| format!("there is no tool {name:?}; "));
            let (unknown, valid) = (unknown.unwrap_or_default(), operation_names().join(", "));
            Err(format!("is {text:?}; {unknown}give some of {valid}, comma-separated"))
        }
    }
}

pub(crate) fn base_url(text: &str) -> Result<Url, String> {
    // Not quoted in errors: people paste URLs with passwords in them.
    let url = parse_base_url(text)?;
    check_base_url(&url).map_err(str::to_owned)?;
    Ok(url)
}

pub(crate) fn auth_header(text: &str) -> Result<AuthHeader, String> {
    match text.to_ascii_lowercase().as_str() {
        "authorization" => Ok(AuthHeader::Authorization),
        "x-api-key" => Ok(AuthHeader::XApiKey),
        _ => Err(invalid_value(text, "authorization or x-api-key")),
    }
}

pub(crate) fn header_value(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(invalid_value(text, "printable ASCII characters without spaces"))
}

pub(crate) fn log_level(text: &str) -> Result<LevelFilter, String> {
    text.parse().map_err(|_| invalid_value(text, "off, error, warn, info, debug or trace"))
}

pub(crate) fn is_json(text: &str) -> Result<bool, String> {
    match text {
        "json" => Ok(true),
        "text" => Ok(false),
        _ => Err(invalid_value(text, "text or json")),
    }
}
