//! Content blocks as clients send them.

use crate::sandbox::{fields::Fields, rejection::Result};

/// The blocks of a `user.message`.
pub(super) const MESSAGE: &[&str] = &["text", "image", "document", "redacted"];
/// The blocks of a tool's result.
pub(super) const RESULT: &[&str] = &["text", "image", "document", "search_result"];
/// The blocks of a `system.message`.
pub(super) const SYSTEM: &[&str] = &["text"];

/// Checks the `content` of an event that must have some.
pub(super) fn check_required(event: &Fields<'_>, kinds: &[&str]) -> Result<()> {
    if event.array("content")?.is_none_or(Vec::is_empty) {
        return Err(event.error("content", "at least one block"));
    }
    check(event, kinds)
}

/// Checks `content`: each block has one of the types in `kinds`.
pub(super) fn check(event: &Fields<'_>, kinds: &[&str]) -> Result<()> {
    for block in event.objects("content")? {
        let block = block?;
        let kind = block.kind()?;
        if !kinds.contains(&kind) {
            let complaint = format!("must be one of {}", kinds.join(", "));
            return Err(block.error("type", complaint));
        }
        match kind {
            "text" => check_text(&block)?,
            "image" => {
                block.allow("type source")?;
                check_source(&block, &["base64", "url", "file"])?;
            }
            "document" => {
                block.allow("type source title context")?;
                block.text("title")?;
                block.text("context")?;
                check_source(&block, &["base64", "text", "url", "file"])?;
            }
            "search_result" => check_search_result(&block)?,
            _ => block.allow("type")?,
        }
    }
    Ok(())
}

fn check_text(block: &Fields<'_>) -> Result<()> {
    block.allow("type text")?;
    block.required_text("text")?;
    Ok(())
}

fn check_source(block: &Fields<'_>, kinds: &[&str]) -> Result<()> {
    let source = Fields::new(block.required("source")?, block.at("source"))?;
    let kind = source.kind()?;
    if !kinds.contains(&kind) {
        let complaint = format!("must be one of {}", kinds.join(", "));
        return Err(source.error("type", complaint));
    }
    let required = match kind {
        "url" => "url",
        "file" => "file_id",
        _ => "data",
    };
    if required == "data" {
        source.allow("type media_type data")?;
        let media_type = source.required_text("media_type")?;
        if kind == "text" && media_type != "text/plain" {
            return Err(source.error("media_type", "must be text/plain"));
        }
    } else {
        source.allow(&format!("type {required}"))?;
    }
    source.required_text(required)?;
    Ok(())
}

fn check_search_result(block: &Fields<'_>) -> Result<()> {
    block.allow("type source title content citations")?;
    block.required_text("source")?;
    block.required_text("title")?;
    block.required("citations")?;
    if let Some(citations) = block.object("citations", "enabled")? {
        citations.required("enabled")?;
        citations.boolean("enabled")?;
    }
    block.required("content")?;
    for part in block.objects("content")? {
        let part = part?;
        part.require_kind("text")?;
        check_text(&part)?;
    }
    Ok(())
}
