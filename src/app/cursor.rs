//! The cursors this server hands out: where to go on, for which question, and as of when.
//!
//! A cursor is base64url of a MAC and compact JSON. The key is made of the settings that decide
//! what a cursor means: the service, the workspace, the agents allowed. A cursor therefore
//! outlives this process, and is refused where it means nothing. It needs no secret: a cursor
//! only says where to go on reading, and every entry is checked anew against the caller's filters
//! and the operator's settings, so that the MAC is against damage and mix-ups, not against theft.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _, digest::Key};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{app::scan::Position, config::Config};

/// How much of the MAC a cursor carries.
const MAC_BYTES: usize = 16;
/// How much of a question's hash a cursor carries.
const QUESTION_BYTES: usize = 9;
/// Longer texts are no cursors of ours; the API's own are part of it.
const LONGEST: usize = 16_384;
/// Changes with the meaning of the content.
const VERSION: &str = "managed-sessions-mcp cursor 1";

/// What a cursor holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Which question it continues: a hash of the tool and its arguments.
    #[serde(rename = "q")]
    question: String,
    /// Seconds since 1970, from which the question's ages count back.
    #[serde(rename = "f")]
    asked_at: i64,
    /// Where to go on.
    #[serde(flatten)]
    position: Position,
}

/// A cursor that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadCursor {
    /// Not made by this server for this service, or changed since.
    Foreign,
    /// Made for other arguments.
    OtherQuestion,
}

/// Makes and reads cursors.
#[derive(Clone)]
pub(crate) struct Cursors {
    mac: Hmac<Sha256>,
}

impl Cursors {
    pub(crate) fn new(config: &Config) -> Self {
        let mut key = Sha256::new();
        let base_url = config.app.api.base_url.as_ref().map(url::Url::as_str);
        let parts = [VERSION, base_url.unwrap_or_default()];
        let workspace = config.app.api.workspace_id.as_deref();
        let agents = config.app.allowed_agents.iter().map(String::as_str);
        for part in parts.into_iter().chain(workspace).chain(agents) {
            key.update((part.len() as u64).to_be_bytes());
            key.update(part);
        }
        let mut block = Key::<Hmac<Sha256>>::default();
        block
            .iter_mut()
            .zip(key.finalize())
            .for_each(|(to, from)| *to = from);
        Self {
            mac: Hmac::new(&block),
        }
    }

    /// The cursor as a caller sees it.
    pub(crate) fn seal(&self, cursor: &Cursor) -> String {
        let json = serde_json::to_vec(cursor).unwrap_or_default();
        let mut mac = self.mac.clone();
        mac.update(&json);
        let mac = mac.finalize().into_bytes();
        let mut sealed: Vec<u8> = mac.into_iter().take(MAC_BYTES).collect();
        sealed.extend(json);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// The cursor that a caller gives back.
    pub(crate) fn open(&self, text: &str) -> Result<Cursor, BadCursor> {
        let text = text.trim();
        let sealed = (text.len() <= LONGEST)
            .then(|| URL_SAFE_NO_PAD.decode(text).ok())
            .flatten();
        let (mac, json) = sealed
            .as_deref()
            .and_then(|sealed| sealed.split_at_checked(MAC_BYTES))
            .ok_or(BadCursor::Foreign)?;
        let mut expected = self.mac.clone();
        expected.update(json);
        expected
            .verify_truncated_left(mac)
            .map_err(|_| BadCursor::Foreign)?;
        serde_json::from_slice(json).map_err(|_| BadCursor::Foreign)
    }
}

/// A question, asked for the first time or continued.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    hash: String,
    /// From when the question's ages count back.
    pub(crate) asked_at: Timestamp,
    /// Where to go on.
    pub(crate) position: Option<Position>,
}

impl Question {
    /// The question that `tool` is asked with these arguments, continued if there is a cursor.
    pub(crate) fn read(
        cursors: &Cursors,
        tool: &str,
        arguments: &impl Serialize,
        page: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, BadCursor> {
        let arguments = serde_json::to_string(arguments).unwrap_or_default();
        let hash = Sha256::digest(format!("{tool} {arguments}"));
        let hash: Vec<u8> = hash.into_iter().take(QUESTION_BYTES).collect();
        let hash = URL_SAFE_NO_PAD.encode(hash);
        let Some(page) = page else {
            return Ok(Self {
                hash,
                asked_at: Timestamp::from_second(now.as_second()).unwrap_or(now),
                position: None,
            });
        };
        let cursor = cursors.open(page)?;
        if cursor.question != hash {
            return Err(BadCursor::OtherQuestion);
        }
        Ok(Self {
            hash,
            asked_at: Timestamp::from_second(cursor.asked_at).map_err(|_| BadCursor::Foreign)?,
            position: Some(cursor.position),
        })
    }

    /// The cursor that continues this question there.
    pub(crate) fn continued(
        &self,
        cursors: &Cursors,
        position: Option<Position>,
    ) -> Option<String> {
        position.map(|position| {
            cursors.seal(&Cursor {
                question: self.hash.clone(),
                asked_at: self.asked_at.as_second(),
                position,
            })
        })
    }
}
