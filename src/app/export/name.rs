//! Names of exported files: made from ids and names that come from elsewhere, and never a way out
//! of the folder.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::model::{ObjectId, SessionId};

const LONGEST_STEM: usize = 100;
/// Shorter names may be those of devices, `CON` or `LPT1`, with any extension.
const SHORTEST_STEM: usize = 5;
/// Longest part of a downloaded file's own name that is kept, in bytes.
const LONGEST_NAME: usize = 80;

/// The name of the export without its extension: the id if it is a name everywhere, else what can
/// be kept of it and a digest of all of it, after a character that the former never has.
pub(crate) fn stem(id: &str) -> String {
    let safe = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let is_plain = id.chars().all(|c| safe(&c))
        && id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && (SHORTEST_STEM..=LONGEST_STEM).contains(&id.len());
    if is_plain { id.to_owned() } else { with_digest(id) }
}

pub(crate) fn with_digest(id: &str) -> String {
    let kept = id.chars().filter(char::is_ascii_alphanumeric);
    let kept: String = kept.take(40).collect();
    let digest: String = digest(id.as_bytes()).chars().take(32).collect();
    format!("{kept}~{digest}")
}

/// The name of a downloaded file: its id, then what can be kept of its own name.
pub(crate) fn of_download(id: &ObjectId, name: &str) -> String {
    // The last part of a path, whatever system it comes from.
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let safe = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let safe: String = last.chars().map(safe).collect();
    let safe = safe.trim_matches('.');
    let cut = safe.len().saturating_sub(LONGEST_NAME);
    // The end of a long name has its extension.
    let kept = safe.get(cut..).unwrap_or_default();
    let kept = if kept.is_empty() { "file" } else { kept };
    format!("{}-{kept}", stem(id.as_str()))
}

/// The id in the characters a gzip header takes.
pub(crate) fn comment(id: &SessionId) -> String {
    format!("session {}", id.as_str().escape_default())
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};

    use crate::{
        app::export::name::{of_download, stem},
        model::ObjectId,
    };

    #[test]
    fn ordinary_ids_name_their_files_and_others_cannot_leave_the_folder() {
        assert_eq!(stem("sesn_01AbC-9"), "sesn_01AbC-9");
        let ids = "../../etc/passwd a/b C:evil CON nul -rf .hidden sesn~1 日本 sesn_1.jsonl.gz";
        for id in ids.split(' ') {
            let stem = stem(id);
            let is_safe = |c: char| c.is_ascii_alphanumeric() || c == '~';
            assert!(stem.contains('~') && stem.chars().all(is_safe), "{id}: {stem}");
        }
        assert!(stem(&"x".repeat(256)).len() < 120);
    }

    #[test]
    fn a_downloaded_file_keeps_what_is_safe_of_its_name() {
        let id = ObjectId::parse("file_01").unwrap();
        let long = format!("{}.tar.gz", "x".repeat(300));
        for (name, expected) in [
            ("report.csv", "file_01-report.csv"),
            ("../../.ssh/authorized_keys", "file_01-authorized_keys"),
            ("..\\..\\evil.exe", "file_01-evil.exe"),
            ("/etc/passwd", "file_01-passwd"),
            ("..", "file_01-file"),
            ("", "file_01-file"),
            ("a\0b\nc d.txt", "file_01-a_b_c_d.txt"),
            ("Übersicht \u{202e}fdp.exe", "file_01-_bersicht__fdp.exe"),
            ("nul", "file_01-nul"),
            ("trailing. ", "file_01-trailing._"),
        ] {
            assert_eq!(of_download(&id, name), expected, "{name:?}");
        }
        assert!(of_download(&id, &long).len() < 120);
        assert!(of_download(&id, &long).ends_with(".tar.gz"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn two_ids_never_share_a_name(one in "[a-zA-Z~./_-]{1,12}", other in "[a-zA-Z~./_-]{1,12}") {
            prop_assert_eq!(one == other, stem(&one) == stem(&other));
            prop_assert!(!stem(&one).contains('/'));
        }

        #[test]
        fn a_downloaded_file_is_one_name_in_the_folder(id in "[^\\s\\p{Cc};]{1,20}", name in ".{0,40}") {
            let Ok(id) = ObjectId::parse(&id) else { return Ok(()) };
            let name = of_download(&id, &name);
            let path = std::path::Path::new(&name);
            prop_assert_eq!(path.components().count(), 1);
            prop_assert_eq!(path.file_name().and_then(|name| name.to_str()), Some(name.as_str()));
            prop_assert!(name.is_ascii() && !name.contains(['\\', ':', '\0']));
        }
    }
}
