//! The embedded Sessions API: the other side of the wire, in memory, on loopback.
//!
//! It shares no code with the client of this crate, so that a mistake of one is not a mistake of
//! both. Requests come in through `routes`, the rules live in `world`, `changes`, `inbox`
//! and `turns`; `seed` is what a newcomer finds.

mod agent;
mod body;
mod bulk;
mod catalogue;
mod changes;
mod clock;
mod fault;
mod inbox;
mod listener;
mod query;
mod quirks;
mod refusal;
mod routes;
mod seed;
mod session;
mod toolset;
mod turns;
mod world;

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, Method};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::{
    clock::Clock,
    listener::{Door, Scissors},
    turns::{Pace, Timer},
    world::World,
};
pub use self::{
    fault::{Effect, Fault},
    quirks::Quirk,
};

/// How many requests the log keeps.
const LOGGED_REQUESTS: usize = 10_000;

/// How the sandbox is set up before it answers its first request.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether the sessions a newcomer finds are there. Agents and environments always are.
    pub seed: bool,
    /// Further sessions of about 100 KB each, added to the seeded ones.
    pub bulk_sessions: usize,
    /// How long a turn takes.
    pub turn: Duration,
    /// How long a session's record still says `running` after its turn has ended; zero for not
    /// at all.
    pub status_lag: Duration,
    /// In which ways to behave like a compatible service.
    pub quirks: Vec<Quirk>,
    /// What goes wrong from the start.
    pub faults: Vec<Fault>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: true,
            bulk_sessions: 0,
            turn: Duration::from_secs(4),
            status_lag: Duration::from_millis(300),
            quirks: Vec::new(),
            faults: Vec::new(),
        }
    }
}

/// A request as it came in, control requests left out.
#[derive(Debug, Clone)]
pub struct ReceivedRequest {
    /// The method.
    pub method: Method,
    /// Path and query, still encoded.
    pub path: String,
    /// All headers, credentials among them.
    pub headers: HeaderMap,
}

impl ReceivedRequest {
    /// Whether the request meant to change something.
    #[must_use]
    pub fn is_write(&self) -> bool {
        !self.method.is_safe()
    }
}

/// A running sandbox; it stops when this value is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    service: Arc<Service>,
    _stop: DropGuard,
}

impl Sandbox {
    /// Binds `listen` (port 0 picks a free one), seeds the sessions and answers from then on.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(listen: SocketAddr, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let (timers, ringing) = mpsc::unbounded_channel();
        let pace = Pace {
            clock: Clock::new(),
            turn: options.turn,
            status_lag: options.status_lag,
            timers,
        };
        let mut world = World::new(pace, options.quirks.into_iter().collect());
        let cast = seed::cast(&mut world);
        if options.seed {
            seed::sessions(&mut world, &cast);
        }
        bulk::sessions(&mut world, &cast, options.bulk_sessions);
        let closing = CancellationToken::new();
        let service = Arc::new(Service {
            world: Mutex::new(world),
            faults: Mutex::new(options.faults),
            log: Mutex::default(),
            requests: AtomicU64::new(0),
            closing: closing.clone(),
        });
        tokio::spawn(drive(Arc::clone(&service), ringing));
        let app = routes::router(&service).into_make_service_with_connect_info::<Scissors>();
        let server = axum::serve(Door(listener), app)
            .with_graceful_shutdown(closing.clone().cancelled_owned());
        tokio::spawn(server.into_future());
        Ok(Self {
            address,
            service,
            _stop: closing.drop_guard(),
        })
    }

    /// `http://127.0.0.1:PORT`, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A key that the sandbox accepts (as it does any that is not empty).
    #[must_use]
    pub fn api_key(&self) -> &'static str {
        "sk-sandbox"
    }

    /// The newest 10,000 requests, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.service.log().iter().cloned().collect()
    }

    /// How many of [`Self::requests`] meant to change something.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.service
            .log()
            .iter()
            .filter(|request| request.is_write())
            .count()
    }

    /// Empties the log of requests.
    pub fn forget_requests(&self) {
        self.service.log().clear();
    }

    /// Makes the next matching answers go wrong, after the faults that are already pending.
    pub fn fail(&self, fault: Fault) {
        self.service.faults().push(fault);
    }

    /// From now on behaves like a compatible service in exactly these ways.
    pub fn set_quirks(&self, quirks: impl IntoIterator<Item = Quirk>) {
        self.service.world().quirks = quirks.into_iter().collect();
    }
}

/// What all requests share.
#[derive(Debug)]
struct Service {
    world: Mutex<World>,
    faults: Mutex<Vec<Fault>>,
    log: Mutex<VecDeque<ReceivedRequest>>,
    requests: AtomicU64,
    closing: CancellationToken,
}

impl Service {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> MutexGuard<'_, VecDeque<ReceivedRequest>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_request_id(&self) -> String {
        format!(
            "req_sandbox_{:06}",
            self.requests.fetch_add(1, Ordering::Relaxed) + 1
        )
    }

    fn note(&self, request: &axum::extract::Request) {
        let uri = request.uri();
        let mut log = self.log();
        if log.len() == LOGGED_REQUESTS {
            log.pop_front();
        }
        log.push_back(ReceivedRequest {
            method: request.method().clone(),
            path: uri
                .path_and_query()
                .map_or_else(|| uri.to_string(), ToString::to_string),
            headers: request.headers().clone(),
        });
    }
}

/// Ends turns when their time is up, until the sandbox stops.
async fn drive(service: Arc<Service>, mut ringing: mpsc::UnboundedReceiver<Timer>) {
    let closing = service.closing.clone();
    let timers = async {
        while let Some(timer) = ringing.recv().await {
            let service = Arc::clone(&service);
            tokio::spawn(async move {
                tokio::select! {
                    () = service.closing.cancelled() => {}
                    () = tokio::time::sleep(timer.after) => service.world().ring(&timer),
                }
            });
        }
    };
    tokio::select! {
        () = closing.cancelled() => {}
        () = timers => {}
    }
}
