//! `multipart/form-data` bodies, as file uploads have them.

use super::rejection::{Rejection, Result};

/// One part of a form.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) name: String,
    pub(super) filename: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) content: &'a [u8],
}

/// The parts of a body with this `content-type`.
///
/// # Errors
/// If the content type is another one or the body is cut short or malformed.
pub(super) fn parse<'a>(content_type: &str, body: &'a [u8]) -> Result<Vec<Part<'a>>> {
    let malformed = || Rejection::invalid("The body is not valid multipart/form-data.");
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err(Rejection::field("content-type", "must be multipart/form-data"));
    }
    let boundary = parameter(parameters, "boundary")
        .filter(|boundary| !boundary.is_empty())
        .ok_or_else(|| Rejection::field("content-type", "has no boundary"))?;
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter may be at the very start, without a line break.
    let first = delimiter.trim_start().as_bytes();
    let mut rest = match body.strip_prefix(first) {
        Some(rest) => rest,
        None => split(body, delimiter.as_bytes()).ok_or_else(malformed)?.1,
    };
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let start = rest.strip_prefix(b"\r\n").ok_or_else(malformed)?;
        let (part, after) = split(start, delimiter.as_bytes()).ok_or_else(malformed)?;
        parts.push(read_part(part).ok_or_else(malformed)?);
        rest = after;
    }
    Ok(parts)
}

/// A part out of its headers, an empty line and the content.
fn read_part(part: &[u8]) -> Option<Part<'_>> {
    let (headers, content) = split(part, b"\r\n\r\n")?;
    let headers = std::str::from_utf8(headers).ok()?;
    let header = |wanted: &str| {
        let mut lines = headers.split("\r\n").filter_map(|line| line.split_once(':'));
        let found = lines.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.trim())
    };
    let disposition = header("content-disposition")?;
    let parameters = disposition.strip_prefix("form-data")?;
    Some(Part {
        name: parameter(parameters, "name")?,
        filename: parameter(parameters, "filename"),
        content_type: header("content-type").map(str::to_owned),
        content,
    })
}

/// The value of `; name=value` or `; name="value"`.
fn parameter(mut text: &str, wanted: &str) -> Option<String> {
    loop {
        let start = text.trim_start_matches([';', ' ', '\t']);
        let (name, value) = start.split_once('=')?;
        let (value, rest) = if let Some(quoted) = value.strip_prefix('"') {
            unquote(quoted)?
        } else {
            let (value, rest) = value.split_once(';').unwrap_or((value, ""));
            (value.trim().to_owned(), rest)
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        text = rest;
    }
}

/// The text up to the closing quotation mark, and what follows that.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut characters = quoted.char_indices();
    while let Some((position, character)) = characters.next() {
        match character {
            '"' => return quoted.get(position + 1..).map(|rest| (text, rest)),
            '\\' => text.push(characters.next()?.1),
            _ => text.push(character),
        }
    }
    None
}

/// What is before and after the first occurrence of `separator`.
fn split<'a>(bytes: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let mut windows = bytes.windows(separator.len());
    let position = windows.position(|window| window == separator)?;
    let (before, after) = bytes.split_at(position);
    Some((before, after.get(separator.len()..)?))
}
