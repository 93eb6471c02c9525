//! What each command does, in a few lines.

use std::{
    error::Error,
    ffi::OsString,
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use clap::{Args as _, CommandFactory as _, ValueHint, parser::ValueSource};
use clap_complete::Shell;

use crate::{
    cli::{
        Cli, Command, Flags, demo, doctor,
        hosts::{Host, Start, System},
        print::Printer,
    },
    config::Config,
    environment::Environment,
    mcp::server::Server,
    sandbox::{Options, Sandbox},
};

/// How a command ends.
type Ended = Result<ExitCode, Box<dyn Error>>;

/// A free port of this machine.
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The MCP server for a configuration.
#[must_use]
pub fn server(config: Config) -> Server {
    let problem = config.problem();
    Server::new(config.app, &config.mcp, problem)
}

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
        server(config).serve_stdio().await?;
        return Ok(ExitCode::SUCCESS);
    }
    let sandbox = Sandbox::start(LOOPBACK, options(flags)).await?;
    let config = config.against_sandbox(&sandbox.base_url(), sandbox.api_key());
    server(config).serve_stdio().await?;
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
    let went_well = demo::run(server(config), &mut Printer::stdout()).await?;
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
    let start = Start {
        program: &program,
        arguments: &passed_on(std::env::args_os())?,
        with_key: !flags.sandbox,
    };
    let environment = Environment::of_process();
    let directions = host.directions(start, &environment, System::THIS);
    writeln!(io::stderr(), "{directions}")?;
    Printer::stdout().line(&host.entry(start, System::THIS))?;
    Ok(ExitCode::SUCCESS)
}

/// The options that were typed, for the server to be started with. Paths are made absolute:
/// hosts start servers in a folder of their own.
fn passed_on(typed: impl Iterator<Item = OsString>) -> Result<Vec<String>, Box<dyn Error>> {
    let given = Cli::command().try_get_matches_from(typed)?;
    // Options are known to the command they were typed with and to those below it.
    let given = given.subcommand().map_or(&given, |(_, below)| below);
    let mut words = Vec::new();
    for option in Flags::augment_args(clap::Command::default()).get_arguments() {
        let id = option.get_id().as_str();
        let typed = given.value_source(id) == Some(ValueSource::CommandLine);
        let Some(name) = option.get_long().filter(|_| typed) else {
            continue;
        };
        if !option.get_action().takes_values() {
            words.push(format!("--{name}"));
            continue;
        }
        for value in given.get_raw(id).into_iter().flatten() {
            let value = match option.get_value_hint() {
                ValueHint::DirPath | ValueHint::FilePath => std::path::absolute(value)?.into(),
                _ => value.to_owned(),
            };
            words.extend([format!("--{name}"), value.to_string_lossy().into_owned()]);
        }
    }
    Ok(words)
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
    use crate::cli::commands::passed_on;

    #[test]
    fn an_entry_starts_the_server_with_the_options_that_were_typed() {
        let check = |typed: &[&str], expected: &[&str]| {
            let words = ["program"].iter().chain(typed).map(Into::into);
            assert_eq!(passed_on(words).unwrap(), expected);
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
        check(
            &[
                "config",
                "--idle-status",
                "config",
                "vscode",
                "--allow-agent=a",
                "--allow-agent=b",
            ],
            &[
                "--allow-agent",
                "a",
                "--allow-agent",
                "b",
                "--idle-status",
                "config",
            ],
        );
        let here = std::env::current_dir().unwrap();
        let path = |name: &str| here.join(name).to_str().unwrap().to_owned();
        check(
            &["config", "vscode", "--audit-log=log", "--export-dir", "out"],
            &["--export-dir", &path("out"), "--audit-log", &path("log")],
        );
    }
}
