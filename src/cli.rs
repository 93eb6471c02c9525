//! Flags as they are typed. What they mean, and the environment, is `config`'s.

#![expect(
    rustdoc::broken_intra_doc_links,
    reason = "these docs are the text of --help, where brackets hold the name of a variable"
)]

pub mod commands;
pub mod demo;
pub mod doctor;
pub mod hosts;
pub mod print;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

pub use crate::cli::hosts::Host;

/// MCP server that looks after Claude Managed Agents sessions.
///
/// Without a command it serves MCP over stdin and stdout. Every option can also be set by the
/// environment variable in brackets; a flag wins.
#[derive(Debug, Parser)]
#[command(name = "managed-sessions-mcp", version = crate::VERSION, max_term_width = 100)]
pub struct Cli {
    /// What to do; serve if nothing is named.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of every command.
    #[command(flatten)]
    pub flags: Flags,
}

/// What the program can do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Serve MCP over stdin and stdout (what happens without a command)
    Serve,
    /// Serve only the sandbox, as an HTTP API for SDKs and curl
    Sandbox {
        /// Where to listen; port 0 picks a free one
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4010")]
        listen: SocketAddr,
    },
    /// Call the tools on the sandbox and print what happens
    Demo,
    /// Show the effective configuration and whether it works
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the entry of this server for an MCP host, with the options given here
    Config {
        /// The host
        host: Host,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Options, none of them validated beyond their form.
#[derive(Debug, Clone, Default, Args)]
pub struct Flags {
    /// Use the embedded sandbox: no key, no network, seeded sessions
    #[arg(long, global = true)]
    pub sandbox: bool,
    /// Further sessions of 100 KB in the sandbox
    #[arg(
        long,
        global = true,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true
    )]
    pub sandbox_sessions: usize,
    /// Address of the API [ANTHROPIC_BASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub base_url: Option<String>,
    /// Workspace, for credentials that can act on several [ANTHROPIC_WORKSPACE_ID]
    #[arg(long, global = true, value_name = "ID")]
    pub workspace_id: Option<String>,
    /// Header that carries an API key [MANAGED_SESSIONS_AUTH_HEADER]
    #[arg(long, global = true, value_name = "HEADER")]
    pub auth_header: Option<AuthHeaderFlag>,
    /// Value of the anthropic-version header [MANAGED_SESSIONS_API_VERSION]
    #[arg(long, global = true, value_name = "DATE")]
    pub api_version: Option<String>,
    /// Offer only tools that change nothing [MANAGED_SESSIONS_READ_ONLY]
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Toolsets to offer, comma separated, or all [MANAGED_SESSIONS_TOOLSETS]
    #[arg(long, global = true, value_name = "NAMES")]
    pub toolsets: Option<String>,
    /// Only sessions of this agent; repeatable [MANAGED_SESSIONS_ALLOW_AGENTS, comma separated]
    #[arg(long, global = true, value_name = "ID")]
    pub allow_agent: Vec<String>,
    /// A further status that is as safe as idle; repeatable [MANAGED_SESSIONS_IDLE_STATUSES]
    #[arg(long, global = true, value_name = "NAME")]
    pub idle_status: Vec<String>,
    /// What a delete needs first: off, token, elicit [MANAGED_SESSIONS_CONFIRM_DELETES, default off]
    #[arg(long, global = true, value_name = "WAY")]
    pub confirm_deletes: Option<String>,
    /// Folder for exports, which must exist; deletes export first [MANAGED_SESSIONS_EXPORT_DIR]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub export_dir: Option<PathBuf>,
    /// File that gets a line for every call of a writing tool [MANAGED_SESSIONS_AUDIT_LOG]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub audit_log: Option<PathBuf>,
    /// Requests a minute that bulk work may send [MANAGED_SESSIONS_MAX_RPM, default 600]
    #[arg(long, global = true, value_name = "N")]
    pub max_rpm: Option<String>,
    /// Seconds for one whole tool call [MANAGED_SESSIONS_TIMEOUT_SECONDS, default 45]
    #[arg(long, global = true, value_name = "N")]
    pub timeout_seconds: Option<String>,
    /// What is logged to stderr: error, warn, info, debug, trace [MANAGED_SESSIONS_LOG]
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// How it is logged [MANAGED_SESSIONS_LOG_FORMAT]
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
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}
