//! The embedded sandbox: a Sessions API in memory, served over HTTP.
//!
//! It is the other side of the wire and shares no code with this crate's client, so that one
//! mistake cannot hide on both sides. A request passes the layers of `middleware` and reaches an
//! operation through the table in `routes`; operations act on the `store`.

mod agent;
mod attributes;
mod clock;
mod collection;
mod deployment;
mod environment;
mod event_type;
mod exchange;
mod fault;
mod fields;
mod file;
mod history;
mod json;
mod listener;
mod middleware;
mod multipart;
mod origin;
mod page;
mod query;
mod quirks;
mod rejection;
mod resource;
mod routes;
mod seed;
mod service;
mod session;
mod store;
mod toolset;
mod vault;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::DropGuard;

use self::{
    clock::Clock,
    listener::{ResetHandle, ResettableListener},
    service::Service,
    store::Store,
};
pub use self::{
    fault::{Effect, Fault},
    quirks::Quirk,
    service::ReceivedRequest,
};

/// How a sandbox is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether there are seeded sessions. Agents and environments always exist.
    pub seed: bool,
    /// How many sessions of about 100 KB each to add.
    pub bulk_sessions: usize,
    /// Without the prompt that makes those sessions large.
    pub small_bulk: bool,
    /// Whether the turn of a seeded session ends by itself, some time after the start.
    pub seeded_endings: bool,
    /// How long a turn takes.
    pub turn: Duration,
    /// How long a session's record still says `running` after its turn has ended.
    pub status_lag: Duration,
    /// How long after the end of a turn the files it made are listed.
    pub file_lag: Duration,
    /// Differences from the API, as compatible services have them.
    pub quirks: Vec<Quirk>,
    /// Faults that are pending from the start.
    pub faults: Vec<Fault>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: true,
            bulk_sessions: 0,
            small_bulk: false,
            seeded_endings: true,
            turn: Duration::from_secs(4),
            status_lag: Duration::from_millis(300),
            file_lag: Duration::from_secs(2),
            quirks: Vec::new(),
            faults: Vec::new(),
        }
    }
}

/// A running sandbox, which stops when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    service: Arc<Service>,
    _stop: DropGuard,
}

impl Sandbox {
    /// Starts a sandbox on `listen`; port 0 picks a free port. Requests for other hosts and from
    /// pages of other origins are refused.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub async fn start(listen: SocketAddr, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let (timers, started) = mpsc::unbounded_channel();
        let clock = Clock::new(options.turn, options.status_lag, options.file_lag, timers);
        let quirks = options.quirks.into_iter().collect();
        let mut store = Store::new(clock, quirks, options.faults);
        seed::load(
            &mut store,
            options.seed,
            options.bulk_sessions,
            options.small_bulk,
            options.seeded_endings,
        )?;
        let closing = store.closing.clone();
        let service = Arc::new(Service::new(store, address));
        tokio::spawn(Arc::clone(&service).run_timers(started));
        let app = routes::router(&service).into_make_service_with_connect_info::<ResetHandle>();
        let server = axum::serve(ResettableListener(listener), app)
            .with_graceful_shutdown(closing.clone().cancelled_owned());
        tokio::spawn(server.into_future());
        Ok(Self { address, service, _stop: closing.drop_guard() })
    }

    /// `http://ADDRESS:PORT`, without a trailing slash.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A valid key; so is any other that does not start with `sk-invalid`.
    pub fn api_key(&self) -> &'static str {
        "sk-sandbox"
    }

    /// The newest 10,000 requests to the API, oldest first.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.service.log().iter().cloned().collect()
    }

    /// How many of [`Self::requests`] were meant to change something.
    pub fn writes(&self) -> usize {
        let log = self.service.log();
        log.iter().filter(|request| request.is_write()).count()
    }

    /// Clears the request log.
    pub fn forget_requests(&self) {
        self.service.log().clear();
    }

    /// Adds a fault behind the pending ones.
    pub fn fail(&self, fault: Fault) {
        self.service.store().faults.push(fault);
    }

    /// Replaces the quirks.
    pub fn set_quirks(&self, quirks: impl IntoIterator<Item = Quirk>) {
        self.service.store().quirks = quirks.into_iter().collect();
    }
}
