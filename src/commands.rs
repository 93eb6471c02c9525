//! What each command does, in a few lines.

use std::{
    error::Error,
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use clap::{CommandFactory as _, ValueEnum as _};
use clap_complete::Shell;

use crate::{
    cli::{Cli, Command, Flags, Host},
    config::{Config, Environment},
    demo, doctor,
    hosts::{Start, System},
    print::Printer,
    sandbox::{Options, Sandbox},
    server::SessionsServer,
};

/// How a command ends.
type Ended = Result<ExitCode, Box<dyn Error>>;

/// A free port of this machine.
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Does what `command` says.
///
/// # Errors
/// As each command.
pub async fn run(command: Command, config: Config, flags: &Flags) -> Ended {
    match command {
        Command::Serve => serve(config, flags).await,
        Command::Sandbox { listen } => sandbox(listen, flags).await,
        Command::Demo => demo().await,
        Command::Doctor { json } => doctor(config, flags, json).await,
        Command::Config { host } => entry_of(host, flags),
        Command::Completions { shell } => completions(shell),
    }
}

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
pub async fn demo() -> Ended {
    // Settings of the person who looks at it would make it another demo.
    let config = Config::read(&Flags::default(), &Environment::default())?;
    let sandbox = Sandbox::start(LOOPBACK, Options::default()).await?;
    let config = config.against_sandbox(&sandbox.base_url(), sandbox.api_key());
    let went_well = demo::run(SessionsServer::new(config), &mut io::stdout().lock()).await?;
    Ok(if went_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Shows the configuration and whether it works. Exit code 1 if it does not.
///
/// # Errors
/// When the sandbox cannot be started, or stdout cannot be written.
pub async fn doctor(config: Config, flags: &Flags, json: bool) -> Ended {
    let mut config = config;
    // Kept to the end: a sandbox ends with its handle.
    let mut _sandbox = None;
    if flags.sandbox {
        let sandbox = Sandbox::start(LOOPBACK, options(flags)).await?;
        config = config.against_sandbox(&sandbox.base_url(), sandbox.api_key());
        _sandbox = Some(sandbox);
    }
    let report = doctor::examine(&config, flags.sandbox).await;
    let mut printer = Printer::stdout();
    if json {
        printer.line(&format!("{:#}", report.to_json()))?;
    } else {
        report.print(&mut printer)?;
    }
    Ok(if report.is_well() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Prints the entry for a host to stdout, and to stderr what to do with it.
fn entry_of(host: Host, flags: &Flags) -> Ended {
    let program = std::env::current_exe()?;
    let typed = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let start = Start {
        program: &program,
        arguments: &passed_on(typed.skip(1), host),
        with_key: !flags.sandbox,
    };
    let environment = Environment::of_process();
    writeln!(
        io::stderr(),
        "{}\n",
        host.directions(&environment, System::THIS)
    )?;
    Printer::stdout().line(&host.entry(start, System::THIS))?;
    if start.with_key {
        writeln!(
            io::stderr(),
            "\nReplace YOUR_API_KEY, or leave it out if you are logged in with the official tools."
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What was typed beside `config HOST`: the options the server is to be started with.
fn passed_on(typed: impl Iterator<Item = String>, host: Host) -> Vec<String> {
    let host = host.to_possible_value();
    let mut words = vec!["config"];
    words.extend(host.as_ref().map(clap::builder::PossibleValue::get_name));
    let mut words = words.into_iter().peekable();
    typed
        .filter(|word| words.next_if(|next| next == word).is_none())
        .collect()
}

fn completions(shell: Shell) -> Ended {
    let mut script = Vec::new();
    clap_complete::generate(
        shell,
        &mut Cli::command(),
        env!("CARGO_PKG_NAME"),
        &mut script,
    );
    Printer::stdout().line(String::from_utf8(script)?.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

fn options(flags: &Flags) -> Options {
    Options {
        bulk_sessions: flags.sandbox_sessions,
        ..Options::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Host, passed_on};

    #[test]
    fn an_entry_starts_the_server_with_the_options_that_were_typed() {
        let check = |typed: &[&str], expected: &[&str]| {
            let words = typed.iter().map(ToString::to_string);
            assert_eq!(passed_on(words, Host::VsCode), expected);
        };
        check(&["config", "vscode"], &[]);
        check(
            &["--sandbox", "config", "vscode", "--read-only"],
            &["--sandbox", "--read-only"],
        );
        check(
            &["config", "--toolsets", "events", "vscode"],
            &["--toolsets", "events"],
        );
    }
}
