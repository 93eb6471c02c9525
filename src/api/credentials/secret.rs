//! A secret as a type: never printed, wiped from memory when dropped.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A key or token: trimmed, not empty, redacted in `Debug`, without `Display`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the text without surrounding white space; `None` when nothing is left.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.into()))
    }

    /// The secret itself: for a request header, a request body or the credentials file only.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// `…` and the last four characters, enough to tell two keys apart; `…` alone for a secret
    /// so short that four characters would give much of it away.
    #[must_use]
    pub fn masked(&self) -> String {
        let text = self.expose();
        let count = text.chars().count();
        let shown = if count < 16 { 0 } else { 4 };
        let tail: String = text.chars().skip(count - shown).collect();
        format!("…{tail}")
    }

    /// `text` with every occurrence of the secret replaced: services echo what they refuse.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        text.replace(self.expose(), "[redacted]")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use crate::api::credentials::secret::Secret;

    #[test]
    fn a_secret_is_trimmed_and_refused_when_empty() {
        assert_eq!(Secret::new(" k\n").unwrap().expose(), "k");
        assert_eq!(Secret::new(" \t\n"), None);
    }

    #[test]
    fn debug_and_mask_do_not_give_it_away() {
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
