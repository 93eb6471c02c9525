//! Several hosts use the real program for a long time, while the service behind it fails in every
//! way the sandbox knows. Checks that no result is ever wrong, and that neither memory nor open
//! descriptors grow.
//!
//! ```text
//! cargo build --release && cargo run --release --example soak -- --minutes 10 --clients 4
//! ```
//!
//! Each host has a server process of its own, since MCP over stdio is one to one; all share one
//! sandbox. `--seed` determines the calls and faults. Exits with 1 if a result was wrong or if
//! something grew, as defined by [`gauge::grown`].

mod caller;
mod gauge;
#[path = "../../tests/it/reply.rs"]
mod reply;

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use caller::{Caller, Ended, Service};
use clap::Parser;
use gauge::Gauge;
use managed_sessions_mcp::{
    cli::print::Printer,
    environment::Environment,
    sandbox::{Options, Sandbox},
};
use rmcp::{ServiceExt as _, transport::TokioChildProcess};
use tokio::time::{Instant, sleep};

/// Interval between two samples of memory and descriptors.
const BETWEEN_LOOKS: Duration = Duration::from_secs(3);
/// Maximum number of wrong results shown.
const SHOWN: usize = 20;

/// Soak the server.
#[derive(Debug, Parser)]
struct Arguments {
    /// Duration in minutes
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Number of hosts, each with a server process of its own
    #[arg(long, default_value_t = 4)]
    clients: u64,
    /// Seed of the calls and faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Percentage of calls that meet a fault
    #[arg(long, default_value_t = 25)]
    faults: u64,
    /// Pause of each host between two calls, in milliseconds
    #[arg(long, default_value_t = 20)]
    rest: u64,
    /// The program; by default the one built next to this example
    #[arg(long)]
    program: Option<PathBuf>,
}

/// Results of all hosts so far.
#[derive(Debug, Default)]
struct Tally {
    calls: u64,
    failures: BTreeMap<String, u64>,
    wrong: Vec<String>,
}

type Shared = Arc<Mutex<Tally>>;

#[tokio::main]
async fn main() -> Ended<ExitCode> {
    let arguments = Arguments::parse();
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => beside()?,
    };
    if !program.is_file() {
        let program = program.display();
        return Err(
            format!("{program} is missing: run cargo build --release, or pass --program").into()
        );
    }
    soak(&arguments, &program).await
}

/// The program in the parent of the examples' folder.
fn beside() -> io::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let folder = this.parent().and_then(std::path::Path::parent);
    let name = format!("managed-sessions-mcp{}", std::env::consts::EXE_SUFFIX);
    Ok(folder.map(|folder| folder.join(name)).unwrap_or_default())
}

async fn soak(arguments: &Arguments, program: &std::path::Path) -> Ended<ExitCode> {
    let options = Options { turn: Duration::from_secs(1), ..Options::default() };
    let sandbox = Sandbox::start("127.0.0.1:0".parse()?, options).await?;
    let folder = tempfile::tempdir()?;
    let tally = Shared::default();
    let until = Instant::now() + Duration::try_from_secs_f64(arguments.minutes * 60.0)?;
    let mut gauges = Vec::new();
    let mut hosts = Vec::new();
    for number in 0..arguments.clients {
        let mut command = tokio::process::Command::new(program);
        command
            .env_clear()
            .env("ANTHROPIC_BASE_URL", sandbox.base_url())
            .env("ANTHROPIC_API_KEY", sandbox.api_key())
            .args(["--timeout-seconds", "3", "--max-rpm", "60000", "--max-read-rpm", "60000"])
            .args(["--log-level", "error", "--export-dir"])
            .arg(folder.path());
        let transport = TokioChildProcess::new(command)?;
        gauges.push(Gauge::of(transport.id().unwrap_or_default()));
        let caller = Caller {
            host: ().serve(transport).await?,
            service: Service::new(&sandbox)?,
            dice: fastrand::Rng::with_seed(arguments.seed ^ (number << 32)),
            faults: arguments.faults,
            alone: arguments.clients == 1,
            rest: Duration::from_millis(arguments.rest),
            tally: Arc::clone(&tally),
        };
        hosts.push(tokio::spawn(caller.work(until)));
    }
    let mut printer = Printer::stdout(&Environment::of_process());
    if !gauge::can_look() {
        printer.line("There is no /proc here: memory and descriptors are not checked.")?;
    }
    printer.line("minute     calls  failed   RSS MiB  descriptors  failures by code")?;
    let begun = Instant::now();
    let mut minute = 0;
    while Instant::now() < until {
        sleep(BETWEEN_LOOKS.min(until - Instant::now())).await;
        gauges.iter_mut().for_each(Gauge::look);
        if begun.elapsed().as_secs() / 60 > minute {
            minute = begun.elapsed().as_secs() / 60;
            printer.line(&row(minute, &tally, &gauges))?;
        }
    }
    for host in hosts {
        host.await??;
    }
    let grown: Vec<String> = gauges.iter().filter_map(gauge::grown).collect();
    verdict(&mut printer, &tally, &gauges, &grown)
}

fn row(minute: u64, tally: &Shared, gauges: &[Gauge]) -> String {
    let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    let failed: u64 = tally.failures.values().sum();
    let most = |look: fn(&Gauge) -> u64| gauges.iter().map(look).max().unwrap_or_default();
    let mebibytes = gauge::mebibytes(most(Gauge::kibibytes));
    let descriptors = most(Gauge::descriptors);
    let codes: Vec<String> =
        tally.failures.iter().map(|(code, count)| format!("{code} {count}")).collect();
    let (calls, codes) = (tally.calls, codes.join(", "));
    format!("{minute:6} {calls:9} {failed:7} {mebibytes:>9} {descriptors:12}  {codes}")
}

fn verdict(
    printer: &mut Printer<impl io::Write>,
    tally: &Shared,
    gauges: &[Gauge],
    grown: &[String],
) -> Ended<ExitCode> {
    for gauge in gauges {
        printer.line(&gauge.to_string())?;
    }
    let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    for wrong in tally.wrong.iter().take(SHOWN).chain(grown) {
        printer.line(wrong)?;
    }
    let (calls, wrong) = (tally.calls, tally.wrong.len());
    let size = if !grown.is_empty() {
        "grown"
    } else if gauges.iter().all(Gauge::can_tell) {
        "flat"
    } else {
        "unknown, too few samples"
    };
    printer.line(&format!("{calls} calls, {wrong} wrong results, size {size}"))?;
    Ok(if wrong == 0 && grown.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
