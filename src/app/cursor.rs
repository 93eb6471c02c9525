//! Page cursors: where to resume a list, for which request, and as of when.
//!
//! A cursor is the base64url of a checksum and compact JSON. The checksum covers the settings that
//! give a cursor its meaning, so a cursor outlives this process but not a change of the service,
//! the workspace or the allowed agents. It guards against damage and mix-ups only, and needs no
//! secret: every entry is filtered again, so a forged cursor shows nothing that the caller could
//! not list anyway.

use std::iter;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::scan::position::Position;

/// Part of the checksum; changes with the meaning of the content.
const VERSION: &str = "managed-sessions-mcp cursor 2";
const CHECKSUM_BYTES: usize = 16;
const REQUEST_BYTES: usize = 9;
/// Upper bound of what is decoded; cursors of the API, which ours contain, are shorter.
const MAX_CHARACTERS: usize = 16_384;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InvalidCursor {
    /// Damaged, or made by something else or under other settings.
    Unreadable,
    /// Made for another tool or other arguments.
    OtherRequest,
}

#[derive(Clone)]
pub(crate) struct Cursors {
    /// Has consumed what every checksum covers.
    checksum: Sha256,
}

impl Cursors {
    /// `context`: the settings that a cursor depends on, in a fixed order.
    pub(crate) fn new<'a>(context: impl IntoIterator<Item = &'a str>) -> Self {
        let mut checksum = Sha256::new();
        for part in iter::once(VERSION).chain(context) {
            checksum.update((part.len() as u64).to_be_bytes());
            checksum.update(part);
        }
        Self { checksum }
    }

    fn encode(&self, request: &ListRequest) -> String {
        let json = serde_json::to_vec(request).unwrap_or_default();
        let checksum = self.checksum.clone().chain_update(&json).finalize();
        let checksum = checksum.into_iter().take(CHECKSUM_BYTES);
        URL_SAFE_NO_PAD.encode(checksum.chain(json).collect::<Vec<u8>>())
    }

    fn decode(&self, text: &str) -> Option<ListRequest> {
        let text = Some(text.trim()).filter(|text| text.len() <= MAX_CHARACTERS)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (given, json) = bytes.split_at_checked(CHECKSUM_BYTES)?;
        let checksum = self.checksum.clone().chain_update(json).finalize();
        checksum.starts_with(given).then_some(())?;
        serde_json::from_slice(json).ok()
    }
}

/// A request for a page of a list; also the content of the cursor for its next page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ListRequest {
    #[serde(rename = "q")]
    hash: String,
    /// Unix seconds.
    #[serde(rename = "f")]
    asked_at: i64,
    #[serde(rename = "p")]
    pub(crate) position: Option<Position>,
    /// The id of the agent whose sessions are listed, found out for the first page.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(crate) agent_id: Option<String>,
    /// The id of the newest event when the first page of a list of events was read.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(crate) newest: Option<String>,
    /// The id of the last event shown, where the list is not resumed at its position.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<String>,
}

impl ListRequest {
    /// The request made by calling `tool` with these arguments; `page` is a cursor, if given.
    pub(crate) fn read(
        cursors: &Cursors,
        tool: &str,
        arguments: &impl Serialize,
        page: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, InvalidCursor> {
        let arguments = serde_json::to_string(arguments).unwrap_or_default();
        let hash = Sha256::digest(format!("{tool} {arguments}"));
        let hash: Vec<u8> = hash.into_iter().take(REQUEST_BYTES).collect();
        let first = Self {
            hash: URL_SAFE_NO_PAD.encode(hash),
            asked_at: now.as_second(),
            position: None,
            agent_id: None,
            newest: None,
            after: None,
        };
        let Some(page) = page else { return Ok(first) };
        let request = cursors.decode(page).ok_or(InvalidCursor::Unreadable)?;
        if request.hash == first.hash { Ok(request) } else { Err(InvalidCursor::OtherRequest) }
    }

    /// When the first page was requested: on every page, ages such as "7d" count back from then.
    pub(crate) fn asked_at(&self) -> Timestamp {
        Timestamp::from_second(self.asked_at).unwrap_or_default()
    }

    /// The same, of the agent with this id.
    pub(crate) fn of_agent(self, agent_id: Option<String>) -> Self {
        Self { agent_id, ..self }
    }

    /// The same, of a list that covers the events up to this one.
    pub(crate) fn covering(self, newest: Option<String>) -> Self {
        Self { newest, ..self }
    }

    /// The same, after the event with this id.
    pub(crate) fn after(self, after: Option<String>) -> Self {
        Self { after, ..self }
    }

    pub(crate) fn next_cursor(
        &self,
        cursors: &Cursors,
        position: Option<Position>,
    ) -> Option<String> {
        let position = Some(position?);
        Some(cursors.encode(&Self { position, ..self.clone() }))
    }
}
