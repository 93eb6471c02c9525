//! The `managed-sessions-mcp` program.

use std::{error::Error, process::ExitCode};

use clap::{CommandFactory as _, Parser as _, error::ErrorKind};
use managed_sessions_mcp::{
    cli::{Cli, Command},
    commands,
    config::{Config, Environment},
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let config = Config::read(&cli.flags, &Environment::of_process())
        .unwrap_or_else(|bad| Cli::command().error(ErrorKind::InvalidValue, bad).exit());
    config.log.install();
    match run(cli, config) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli, config: Config) -> Result<ExitCode, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let command = cli.command.unwrap_or(Command::Serve);
    let code = runtime.block_on(commands::run(command, config, &cli.flags));
    // A read of stdin that is under way cannot be cancelled, and must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    code
}
