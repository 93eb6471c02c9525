//! What each command does, in a few lines.

use std::{
    error::Error,
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use crate::{
    cli::Flags,
    config::Config,
    demo,
    sandbox::{Options, Sandbox},
    server::SessionsServer,
};

/// How a command ends.
type Ended = Result<ExitCode, Box<dyn Error>>;

/// A free port of this machine.
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Serves MCP over the standard streams, against the API or against a sandbox of its own.
///
/// # Errors
/// When the sandbox or the MCP session cannot be started.
pub async fn serve(config: Config, flags: &Flags) -> Ended {
    if !flags.sandbox {
        SessionsServer::new(config).serve_stdio().await?;
        return Ok(ExitCode::SUCCESS);
    }
    let sandbox = Sandbox::start(LOOPBACK, options(flags)).await?;
    let config = config.against_sandbox(&sandbox.base_url(), sandbox.api_key());
    SessionsServer::new(config).serve_stdio().await?;
    Ok(ExitCode::SUCCESS)
}

/// Serves only the sandbox, until it is stopped.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn sandbox(listen: SocketAddr, flags: &Flags) -> Ended {
    let sandbox = Sandbox::start(listen, options(flags))
        .await
        .map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    writeln!(
        io::stderr(),
        "base URL  {}\nAPI key   {}",
        sandbox.base_url(),
        sandbox.api_key()
    )?;
    tokio::signal::ctrl_c().await?;
    Ok(ExitCode::SUCCESS)
}

/// Calls the tools on a sandbox and prints what happens.
///
/// # Errors
/// When the sandbox cannot be started, or stdout cannot be written.
pub async fn demo(config: Config) -> Ended {
    let sandbox = Sandbox::start(LOOPBACK, Options::default()).await?;
    let config = config.against_sandbox(&sandbox.base_url(), sandbox.api_key());
    let went_well = demo::run(SessionsServer::new(config), &mut io::stdout().lock()).await?;
    Ok(if went_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn options(flags: &Flags) -> Options {
    Options {
        bulk_sessions: flags.sandbox_sessions,
        ..Options::default()
    }
}
