//! A secret as a type: never printed, wiped from memory when dropped.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::api::scrub::scrub;

/// A key or token: trimmed, not empty, redacted in `Debug`, without `Display`.
#[derive(Clone)]
pub(crate) struct Secret(SecretString);

impl Secret {
    /// Trims the text; `None` if nothing is left.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.into()))
    }

    /// For a request header, a request body or the credentials file only.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// `…` and the last four characters, enough to tell two keys apart; `…` alone for a short
    /// secret, of which they would be a large part.
    pub(crate) fn masked(&self) -> String {
        let text = self.expose();
        let count = text.chars().count();
        let shown = if count < 16 { 0 } else { 4 };
        let tail: String = text.chars().skip(count - shown).collect();
        format!("…{tail}")
    }

    /// `text` without the secret, which services echo when they reject it; see [`scrub()`].
    pub(crate) fn scrub(&self, text: &str) -> String {
        scrub(text, self.expose())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use crate::api::credentials::secret::Secret;

    #[test]
    fn a_secret_is_trimmed_and_not_empty() {
        assert_eq!(Secret::new(" k\n").unwrap().expose(), "k");
        assert_eq!(Secret::new(" \t\n"), None);
    }

    #[test]
    fn debug_and_mask_do_not_reveal_it() {
        let secret = Secret::new("sk-ant-api03-0123456789abcd").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret([redacted])");
        assert_eq!(secret.masked(), "…abcd");
        assert_eq!(Secret::new("short").unwrap().masked(), "…");
        assert_eq!(
            secret.scrub("invalid key sk-ant-api03-0123456789abcd!"),
            "invalid key [redacted]!"
        );
    }
}
