//! What is logged, and how. Logs go to stderr: stdout belongs to the protocol.

use std::io::{self, IsTerminal as _};

use tracing::level_filters::LevelFilter;

use super::{BadFlag, Reader, flag, none_of};
use crate::cli::{Flags, LogFormatFlag};

/// What is logged, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    level: LevelFilter,
    json: bool,
}

impl Log {
    pub(super) fn read(reader: &mut Reader<'_>, flags: &Flags) -> Result<Self, BadFlag> {
        let typed = flag("--log-level", flags.log_level.as_deref());
        let level = reader.value(typed, "MANAGED_SESSIONS_LOG", level)?;
        let format = reader.value(None, "MANAGED_SESSIONS_LOG_FORMAT", is_json)?;
        let typed = flags.log_format.map(|format| format == LogFormatFlag::Json);
        Ok(Self {
            level: level.unwrap_or(LevelFilter::WARN),
            json: typed.or(format).unwrap_or(false),
        })
    }

    /// Starts logging to stderr.
    pub fn install(self) {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(self.level)
            .with_ansi(io::stderr().is_terminal())
            .with_writer(io::stderr);
        // A logger that is there already was put there by somebody who wants it.
        let _ = if self.json {
            tracing::subscriber::set_global_default(subscriber.json().finish())
        } else {
            tracing::subscriber::set_global_default(subscriber.finish())
        };
    }
}

fn level(text: &str) -> Result<LevelFilter, String> {
    text.parse()
        .map_err(|_| none_of(text, "off, error, warn, info, debug or trace"))
}

fn is_json(text: &str) -> Result<bool, String> {
    match text {
        "json" => Ok(true),
        "text" => Ok(false),
        _ => Err(none_of(text, "text or json")),
    }
}
