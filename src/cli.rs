//! The command line and its commands. What the flags mean is up to `config`.

pub mod commands;
mod completions;
mod demo;
mod doctor;
mod folder;
mod hosts;
pub mod print;
mod program;

use std::net::SocketAddr;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

pub use crate::{cli::hosts::Host, config::flags::Flags};

/// MCP server that manages Claude Managed Agents sessions.
///
/// Without a command it serves MCP over stdin and stdout. Options can also be set by the
/// environment variables in brackets; flags win.
#[derive(Debug, Parser)]
#[command(name = "managed-sessions-mcp", version = crate::VERSION, max_term_width = 100)]
pub struct Cli {
    /// The command; `serve` by default.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of every command.
    #[command(flatten)]
    pub flags: Flags,
}

/// The commands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Serve MCP over stdin and stdout (the default)
    Serve,
    /// Serve only the sandbox, as an HTTP API for SDKs and curl
    Sandbox {
        /// Address to listen on; port 0 picks a free port
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4010")]
        listen: SocketAddr,
    },
    /// Call the tools on the sandbox and print a transcript
    Demo,
    /// Show the effective configuration and check that it works
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print this server's entry for an MCP host, with the options given here
    Config {
        /// The host
        host: Host,
    },
    /// Print shell completions
    Completions {
        /// The shell
        shell: Shell,
    },
}
