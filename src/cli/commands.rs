//! The commands, except for the large ones.

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
        Cli, Command, demo, doctor,
        hosts::{Host, Launch, System},
        print::Printer,
    },
    config::{Config, flags::Flags},
    environment::Environment,
    mcp::server::Server,
    sandbox::{Options, Sandbox},
};

/// The exit code, or an error that ends the program.
type CommandResult = Result<ExitCode, Box<dyn Error>>;

/// The MCP server for a configuration.
pub fn server(config: Config) -> Server {
    let problem = config.problem();
    Server::new(config.app, &config.mcp, problem)
}

/// Runs one command.
///
/// # Errors
/// When a server cannot be started or fails, or stdout cannot be written.
pub async fn run(
    command: Command,
    config: Config,
    flags: &Flags,
    environment: &Environment,
) -> CommandResult {
    match command {
        Command::Serve => serve(config, flags).await,
        Command::Sandbox { listen } => sandbox(listen, flags).await,
        Command::Demo => demo().await,
        Command::Doctor { json } => doctor(config, flags, json).await,
        Command::Config { host } => host_entry(host, flags, environment),
        Command::Completions { shell } => completions(shell),
    }
}

async fn serve(config: Config, flags: &Flags) -> CommandResult {
    let (config, _sandbox) = with_sandbox(config, flags).await?;
    server(config).serve_stdio().await?;
    Ok(ExitCode::SUCCESS)
}

/// Serves only the sandbox, until Ctrl-C.
async fn sandbox(listen: SocketAddr, flags: &Flags) -> CommandResult {
    let sandbox = start_sandbox(listen, flags)
        .await
        .map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    writeln!(io::stderr(), "base URL  {}\nAPI key   {}", sandbox.base_url(), sandbox.api_key())?;
    tokio::signal::ctrl_c().await?;
    Ok(ExitCode::SUCCESS)
}

async fn demo() -> CommandResult {
    // The same transcript everywhere: the user's settings are ignored.
    let flags = Flags { sandbox: true, ..Flags::default() };
    let config = Config::read(&flags, &Environment::default())?;
    let (config, _sandbox) = with_sandbox(config, &flags).await?;
    let passed = demo::run(server(config), &mut Printer::stdout()).await?;
    Ok(exit_code(passed))
}

async fn doctor(config: Config, flags: &Flags, json: bool) -> CommandResult {
    let (config, _sandbox) = with_sandbox(config, flags).await?;
    let report = doctor::examine(&config, flags.sandbox).await;
    let mut printer = Printer::stdout();
    if json {
        printer.line(&format!("{:#}", report.to_json()))?;
    } else {
        report.print(&mut printer)?;
    }
    Ok(exit_code(report.is_ok()))
}

/// Prints the entry for a host to stdout, and to stderr where it goes.
fn host_entry(host: Host, flags: &Flags, environment: &Environment) -> CommandResult {
    let program = std::env::current_exe()?;
    let launch = Launch {
        program: &program,
        arguments: &typed_options(std::env::args_os())?,
        with_key: !flags.sandbox,
    };
    let directions = host.directions(launch, environment, System::THIS);
    writeln!(io::stderr(), "{directions}")?;
    Printer::stdout().line(&host.entry(launch, System::THIS))?;
    Ok(ExitCode::SUCCESS)
}

/// The typed options, as arguments for a server. Paths become absolute: hosts start servers in a
/// folder of their own.
fn typed_options(arguments: impl Iterator<Item = OsString>) -> Result<Vec<String>, Box<dyn Error>> {
    let matches = Cli::command().try_get_matches_from(arguments)?;
    // A subcommand's matches include the global options before it.
    let matches = matches.subcommand().map_or(&matches, |(_, matches)| matches);
    let mut words = Vec::new();
    for option in Flags::augment_args(clap::Command::default()).get_arguments() {
        let id = option.get_id().as_str();
        let typed = matches.value_source(id) == Some(ValueSource::CommandLine);
        let Some(name) = option.get_long().filter(|_| typed) else {
            continue;
        };
        if !option.get_action().takes_values() {
            words.push(format!("--{name}"));
            continue;
        }
        for value in matches.get_raw(id).into_iter().flatten() {
            let value = match option.get_value_hint() {
                ValueHint::DirPath | ValueHint::FilePath => std::path::absolute(value)?.into(),
                _ => value.to_owned(),
            };
            words.extend([format!("--{name}"), value.to_string_lossy().into_owned()]);
        }
    }
    Ok(words)
}

fn completions(shell: Shell) -> CommandResult {
    let (mut command, mut script) = (Cli::command(), Vec::new());
    clap_complete::generate(shell, &mut command, env!("CARGO_PKG_NAME"), &mut script);
    Printer::stdout().line(String::from_utf8(script)?.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// Starts the embedded sandbox if `--sandbox` is given. It runs until its handle is dropped.
async fn with_sandbox(config: Config, flags: &Flags) -> io::Result<(Config, Option<Sandbox>)> {
    if !flags.sandbox {
        return Ok((config, None));
    }
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let sandbox = start_sandbox(any_port, flags).await?;
    let config = config.against_sandbox(&sandbox.base_url(), sandbox.api_key());
    Ok((config, Some(sandbox)))
}

async fn start_sandbox(listen: SocketAddr, flags: &Flags) -> io::Result<Sandbox> {
    let options = Options { bulk_sessions: flags.sandbox_sessions, ..Options::default() };
    Sandbox::start(listen, options).await
}

fn exit_code(success: bool) -> ExitCode {
    if success { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use crate::cli::commands::typed_options;

    #[test]
    fn an_entry_starts_the_server_with_the_typed_options() {
        let check = |typed: &str, expected: &[&str]| {
            let words = std::iter::once("program").chain(typed.split(' '));
            assert_eq!(typed_options(words.map(Into::into)).unwrap(), expected);
        };
        check("config vscode", &[]);
        check("--sandbox config vscode --read-only", &["--sandbox", "--read-only"]);
        check("config --toolsets events vscode", &["--toolsets", "events"]);
        check(
            "config --idle-status config vscode --allow-agent=a",
            &["--allow-agent", "a", "--idle-status", "config"],
        );
        check(
            "config vscode --allow-agent=a --allow-agent=b",
            &["--allow-agent", "a", "--allow-agent", "b"],
        );
        let here = std::env::current_dir().unwrap();
        let path = |name: &str| here.join(name).to_str().unwrap().to_owned();
        check(
            "config vscode --audit-log=log --export-dir out",
            &["--export-dir", &path("out"), "--audit-log", &path("log")],
        );
    }
}
