//! Why a value cannot be read: one clause, after the name of the argument.

use crate::{
    domain::{events::View, money::InvalidAmount, text, time::InvalidTime, view::summary::Part},
    model::InvalidSessionId,
};

pub(crate) fn session_id(error: InvalidSessionId) -> &'static str {
    match error {
        InvalidSessionId::Empty => "is empty",
        InvalidSessionId::RelativePath => "is a relative path, not an id",
        InvalidSessionId::TooLong => "is longer than 256 characters",
        InvalidSessionId::WhiteSpace => "contains white space",
        InvalidSessionId::ControlCharacters => "contains control characters",
    }
}

pub(crate) fn amount(error: InvalidAmount) -> &'static str {
    match error {
        InvalidAmount::Number => "must be an amount like \"50.00 USD\"",
        InvalidAmount::Negative => "must not be negative",
        InvalidAmount::Currency => "must name a currency by its three letters, like USD",
    }
}

/// Which sessions to wait for.
pub(crate) const ONE_OR_SEVERAL: &str =
    "give session_id for one session, or session_ids for several; exactly one of the two";

/// A part of a summary.
pub(crate) fn summary_part() -> String {
    format!("is not one of {}", Part::NAMES.join(", "))
}

/// `near`: the types most like it.
pub(crate) fn event_type(near: &[&str]) -> String {
    format!("is not a type of event; near are {}", near.join(", "))
}

pub(crate) fn time(InvalidTime: InvalidTime) -> &'static str {
    "must be an RFC 3339 time such as \"2026-01-31T12:00:00Z\", or an age such as \"7d\""
}

/// Why no event can be of these types and in this view.
pub(crate) fn no_type_in_view(types: &[String], view: View) -> String {
    format!(
        "types leaves nothing of view \"{}\", which has {}; give one of the two, was {}",
        view.name(),
        view.types().join(", "),
        text::json_within(&types.into(), 80)
    )
}
