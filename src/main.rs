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
    // One thread answers: a call waits for the network most of its time, and a hand-over between
    // threads takes longer than what it does in between. Exports and credentials are read and
    // written in a pool; a line of the audit log is written here, before and after its call.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let command = cli.command.unwrap_or(Command::Serve);
    let code = runtime.block_on(commands::run(command, config, &cli.flags));
    // A read of stdin that is under way cannot be cancelled, and must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    code
}
