//! Reads what can be read of a malformed message, to know whether and with which id to answer it.

use std::fmt;

use rmcp::model::RequestId;
use serde::{
    Deserializer as _,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;

/// The members of a malformed message that could be read before the first error.
#[derive(Default)]
pub(crate) struct Envelope {
    id: Option<Value>,
    has_method: bool,
    has_outcome: bool,
}

impl Envelope {
    /// Also returns whether that is the whole message.
    pub(crate) fn of(text: &[u8]) -> (Self, bool) {
        let mut envelope = Self::default();
        let mut json = serde_json::Deserializer::from_slice(text);
        let read = json.deserialize_map(&mut envelope);
        (envelope, read.and_then(|()| json.end()).is_ok())
    }

    /// Notifications and responses are not answered, even if they are malformed.
    pub(crate) fn expects_answer(&self) -> bool {
        if self.has_method { self.id.is_some() } else { !self.has_outcome }
    }

    /// The id to answer with. The id of a response belongs to a request of this server.
    pub(crate) fn request_id(self) -> Option<RequestId> {
        let id = self.id.filter(|_| self.has_method)?;
        serde_json::from_value(id).ok()
    }
}

impl<'de> Visitor<'de> for &mut Envelope {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "id" => {
                    self.id = Some(members.next_value()?);
                    continue;
                }
                "method" => self.has_method = true,
                "result" | "error" => self.has_outcome = true,
                _ => {}
            }
            members.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}
