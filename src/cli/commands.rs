//! The commands, except for the large ones.

use std::{
    error::Error,
    ffi::{OsStr, OsString},
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::ExitCode,
};

use clap::{Args as _, CommandFactory as _, ValueHint, parser::ValueSource};

use crate::{
    cli::{
        Cli, Command, completions, demo, doctor,
        folder::TemporaryFolder,
        hosts::{Host, Launch, System},
        print::Printer,
        program,
    },
    config::{Config, base_url_to_pin, flags::Flags},
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
        Command::Demo => demo(environment).await,
        Command::Doctor { json } => doctor(config, flags, json, environment).await,
        Command::Config { host } => host_entry(host, flags, environment),
        Command::Completions { shell } => {
            Printer::stdout(environment).line(&completions::script(shell))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn serve(config: Config, flags: &Flags) -> CommandResult {
    let (config, _sandbox) = with_sandbox(config, flags).await?;
    let (config, _exports) = with_exports(config, flags);
    let server = server(config);
    tokio::select! {
        ended = server.clone().serve_stdio() => ended?,
        signal = shutdown_signal() => signal?,
    }
    server.drain().await;
    Ok(ExitCode::SUCCESS)
}

/// Waits for a signal that ends the program as the end of stdin does.
#[cfg(unix)]
async fn shutdown_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = hangup.recv() => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn shutdown_signal() -> io::Result<()> {
    tokio::signal::ctrl_c().await
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

async fn demo(environment: &Environment) -> CommandResult {
    // The same transcript everywhere: the user's settings are ignored.
    let flags = Flags { sandbox: true, ..Flags::default() };
    let config = Config::read(&flags, &Environment::default())?;
    let (config, _sandbox) = with_sandbox(config, &flags).await?;
    let (config, _exports) = with_exports(config, &flags);
    let passed = demo::run(server(config), &mut Printer::stdout(environment)).await?;
    Ok(exit_code(passed))
}

async fn doctor(
    config: Config,
    flags: &Flags,
    json: bool,
    environment: &Environment,
) -> CommandResult {
    let (config, _sandbox) = with_sandbox(config, flags).await?;
    let report = doctor::examine(&config, flags.sandbox).await;
    let mut printer = Printer::stdout(environment);
    if json {
        printer.line(&format!("{:#}", report.to_json()))?;
    } else {
        report.print(&mut printer)?;
    }
    Ok(exit_code(report.is_ok()))
}

/// Prints the entry for a host to stdout, and to stderr where it goes.
fn host_entry(host: Host, flags: &Flags, environment: &Environment) -> CommandResult {
    let (typed, search) = (std::env::args_os().next(), environment.raw("PATH"));
    let program = program::path(typed.as_deref(), search, &std::env::current_exe()?)?;
    let program = program.into_os_string().into_string().map_err(not_unicode)?;
    let mut arguments = typed_options(std::env::args_os(), environment)?;
    let pinned = base_url_to_pin(flags, environment);
    let mut remark = "";
    if let Some(url) = pinned {
        arguments.extend(["--base-url".to_owned(), url]);
        remark = " It names the base URL, since ANTHROPIC_BASE_URL is set to another one here.";
    }
    let launch = Launch { program: &program, arguments: &arguments, with_key: !flags.sandbox };
    let directions = host.directions(launch, environment, System::THIS);
    writeln!(io::stderr(), "{directions}{remark}")?;
    Printer::stdout(environment).line(&host.entry(launch, System::THIS))?;
    Ok(ExitCode::SUCCESS)
}

/// Hosts' files hold Unicode only.
fn not_unicode(text: impl AsRef<OsStr>) -> String {
    format!("{} is not Unicode, so no host's file can hold it", text.as_ref().display())
}

/// The typed options, as arguments for a server. Paths become absolute: hosts start servers in a
/// folder of their own.
fn typed_options(
    arguments: impl Iterator<Item = OsString>,
    environment: &Environment,
) -> Result<Vec<String>, Box<dyn Error>> {
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
                ValueHint::DirPath | ValueHint::FilePath => {
                    std::path::absolute(environment.expand(Path::new(value))?)?.into()
                }
                _ => value.to_owned(),
            };
            words.extend([format!("--{name}"), value.into_string().map_err(not_unicode)?]);
        }
    }
    Ok(words)
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

/// Gives a sandbox a folder for exports, unless the operator chose one. It is removed when its
/// handle is dropped.
fn with_exports(mut config: Config, flags: &Flags) -> (Config, Option<TemporaryFolder>) {
    if !flags.sandbox || config.app.export_dir.is_some() || config.problem().is_some() {
        return (config, None);
    }
    match TemporaryFolder::new() {
        Ok(folder) => {
            config.app.export_dir = Some(folder.path().to_owned());
            (config, Some(folder))
        }
        Err(error) => {
            tracing::warn!(%error, "no temporary folder, so the sandbox's sessions are not exported");
            (config, None)
        }
    }
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
    use crate::{cli::commands::typed_options, environment::Environment};

    #[test]
    fn an_entry_starts_the_server_with_the_typed_options() {
        let check = |typed: &str, expected: &[&str]| {
            let words = std::iter::once("program").chain(typed.split(' '));
            let environment = Environment::from_iter([("HOME", "/home/me")]);
            assert_eq!(typed_options(words.map(Into::into), &environment).unwrap(), expected);
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
        let home = std::path::absolute("/home/me").unwrap();
        let out = home.join("out").to_str().unwrap().to_owned();
        check("config vscode --export-dir ~/out", &["--export-dir", &out]);
    }
}
