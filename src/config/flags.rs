//! Flags as they were typed: only their form is checked here.

#![expect(
    rustdoc::broken_intra_doc_links,
    reason = "these docs are the text of --help, where brackets hold the name of a variable"
)]

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

/// The options of every command.
#[derive(Debug, Clone, Default, Args)]
pub struct Flags {
    /// Use the embedded sandbox: no key, no network, seeded sessions
    #[arg(long, global = true)]
    pub sandbox: bool,
    /// Add N sessions of 100 KB each to the sandbox
    #[arg(long, global = true, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub sandbox_sessions: usize,
    /// Base URL of the API [MANAGED_SESSIONS_BASE_URL, else ANTHROPIC_BASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub base_url: Option<String>,
    /// Workspace to use, for credentials with access to several [ANTHROPIC_WORKSPACE_ID]
    #[arg(long, global = true, value_name = "ID")]
    pub workspace_id: Option<String>,
    /// Header in which an API key is sent [MANAGED_SESSIONS_AUTH_HEADER]
    #[arg(long, global = true, value_name = "HEADER")]
    pub auth_header: Option<AuthHeaderFlag>,
    /// Value of the anthropic-version header [MANAGED_SESSIONS_API_VERSION]
    #[arg(long, global = true, value_name = "DATE")]
    pub api_version: Option<String>,
    /// Offer only tools that change nothing [MANAGED_SESSIONS_READ_ONLY]
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Toolsets to offer, comma-separated, or all [MANAGED_SESSIONS_TOOLSETS]
    #[arg(long, global = true, value_name = "NAMES")]
    pub toolsets: Option<String>,
    /// Tools not to offer, comma-separated; nothing else does what they do [MANAGED_SESSIONS_DISABLED_TOOLS]
    #[arg(long, global = true, value_name = "NAMES")]
    pub disable_tools: Option<String>,
    /// Allow only sessions of this agent; repeatable [MANAGED_SESSIONS_ALLOW_AGENTS, comma-separated]
    #[arg(long, global = true, value_name = "ID")]
    pub allow_agent: Vec<String>,
    /// Additional status to treat as idle; repeatable [MANAGED_SESSIONS_IDLE_STATUSES, comma-separated]
    #[arg(long, global = true, value_name = "NAME")]
    pub idle_status: Vec<String>,
    /// What a delete needs first: off, token, elicit [MANAGED_SESSIONS_CONFIRM_DELETES, default off]
    #[arg(long, global = true, value_name = "MODE")]
    pub confirm_deletes: Option<String>,
    /// What answer_session needs first to allow a call: off, token, elicit [MANAGED_SESSIONS_CONFIRM_APPROVALS, default off]
    #[arg(long, global = true, value_name = "MODE")]
    pub confirm_approvals: Option<String>,
    /// Existing folder for exports; sessions are exported before a delete [MANAGED_SESSIONS_EXPORT_DIR]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub export_dir: Option<PathBuf>,
    /// File that logs every call of a writing tool, one line each [MANAGED_SESSIONS_AUDIT_LOG]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub audit_log: Option<PathBuf>,
    /// Requests per minute for bulk work [MANAGED_SESSIONS_MAX_RPM, default 600]
    #[arg(long, global = true, value_name = "N")]
    pub max_rpm: Option<String>,
    /// Timeout of a tool call in seconds, retries included [MANAGED_SESSIONS_TIMEOUT_SECONDS, default 45]
    #[arg(long, global = true, value_name = "N")]
    pub timeout_seconds: Option<String>,
    /// Log level on stderr: off, error, warn, info, debug, trace [MANAGED_SESSIONS_LOG, default warn]
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Log format [MANAGED_SESSIONS_LOG_FORMAT, default text]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<LogFormatFlag>,
}

/// `--auth-header`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuthHeaderFlag {
    /// `Authorization: Bearer …`
    Authorization,
    /// `x-api-key: …`
    XApiKey,
}

/// `--log-format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormatFlag {
    /// Plain text
    Text,
    /// One JSON object per line
    Json,
}
