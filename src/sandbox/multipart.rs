//! `multipart/form-data` bodies, as file uploads have them.

use super::rejection::{Rejection, Result};

/// One part of a form.
#[derive(Debug, PartialEq, Eq)]
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
        let (value, rest) = match value.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let (value, rest) = value.split_once(';').unwrap_or((value, ""));
                (value.trim().to_owned(), rest)
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_taken_apart() {
        let check = |content_type: &str, body: &str, expected: Option<&[(&str, &str, &str)]>| {
            let parts = parse(content_type, body.as_bytes()).ok();
            let parts = parts.as_ref().map(|parts| {
                let parts = parts.iter().map(|part| {
                    let content = std::str::from_utf8(part.content).unwrap();
                    (part.name.as_str(), part.filename.as_deref().unwrap_or("-"), content)
                });
                parts.collect::<Vec<_>>()
            });
            assert_eq!(parts.as_deref(), expected, "{content_type}: {body:?}");
        };
        let form = "multipart/form-data; boundary=x1";
        let file = "--x1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a;\\\"b.txt\"\r\n\
                    Content-Type: text/plain\r\n\r\none\r\n\r\n--x2\r\n--x1--\r\n";
        check(form, file, Some(&[("file", "a;\"b.txt", "one\r\n\r\n--x2")]));
        check(
            "Multipart/Form-Data; charset=utf-8; boundary=\"x1\"",
            file,
            Some(&[("file", "a;\"b.txt", "one\r\n\r\n--x2")]),
        );
        let two = "preamble\r\n--x1\r\ncontent-disposition: form-data; name=a\r\n\r\n1\r\n\
                   --x1\r\ncontent-disposition: form-data; name=b\r\n\r\n\r\n--x1--";
        check(form, two, Some(&[("a", "-", "1"), ("b", "-", "")]));
        check(form, "--x1--", Some(&[]));
        for content_type in
            ["", "application/json", "multipart/form-data", "multipart/form-data; boundary="]
        {
            check(content_type, file, None);
        }
        let cut = &file[..file.len() - 6];
        for body in ["", "no form", cut, "--x1\r\nname: a\r\n\r\n1\r\n--x1--", "--x1junk\r\n--x1--"]
        {
            check(form, body, None);
        }
    }
}
