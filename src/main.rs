//! The `managed-sessions-mcp` program.

use std::{error::Error, process::ExitCode};

use clap::{CommandFactory as _, Parser as _, error::ErrorKind};
use managed_sessions_mcp::{
    cli::{Cli, Command, commands},
    config::Config,
    environment::Environment,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let environment = Environment::of_process();
    let config = Config::read(&cli.flags, &environment)
        .unwrap_or_else(|bad| Cli::command().error(ErrorKind::InvalidValue, bad).exit());
    config.log.install();
    run(cli, config, &environment).unwrap_or_else(|error| {
        tracing::error!("{error}");
        ExitCode::FAILURE
    })
}

fn run(cli: Cli, config: Config, environment: &Environment) -> Result<ExitCode, Box<dyn Error>> {
    // One thread: a call mostly waits for the network, and handing it over between threads costs
    // more than it saves. Exports and credentials use the blocking pool; the audit log is written
    // on this thread, before and after its call.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let command = cli.command.unwrap_or(Command::Serve);
    let code = runtime.block_on(commands::run(command, config, &cli.flags, environment));
    // A pending read of stdin cannot be cancelled; do not let it keep the process alive.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    code
}
