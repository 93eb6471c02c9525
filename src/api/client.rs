//! The client: its set-up, and the one way an authenticated request takes.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use crate::api::{
    attempt,
    attempt::{SendOptions, after},
    auth::{Authenticator, describe::Description},
    body::{Parse, ReadBody},
    error::ApiError,
    request::Request,
    response::ApiResponse,
    retry::Repeat,
    settings::{BaseUrl, RateLimits, RequestOptions, Settings},
    transport::Transport,
};

/// A client of one Sessions API. Cheap to clone: clones share connections and credentials.
/// Dropping a call drops its HTTP request.
#[derive(Clone)]
pub struct Client {
    settings: Arc<Settings>,
    transport: Arc<Transport>,
    auth: Arc<Authenticator>,
    options: RequestOptions,
}

impl Client {
    /// Does no I/O and sets up no TLS yet.
    pub fn new(settings: Settings) -> Self {
        let settings = Arc::new(settings);
        let transport = Arc::new(Transport::new(settings.connect_timeout));
        let auth = Authenticator::new(Arc::clone(&settings), Arc::clone(&transport));
        Self { settings, transport, auth: Arc::new(auth), options: RequestOptions::default() }
    }

    /// Prepares in the background what the first call would wait for: credential, HTTP client and
    /// trust store. Does nothing outside of a tokio runtime; leaves errors to the first call.
    pub fn warm_up(&self) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let client = self.clone();
        runtime.spawn(async move {
            let ready = async {
                let base = client.auth.base().await?;
                client.transport.client(&base.url).await?;
                client.auth.request_auth(None).await
            };
            if let Err(error) = ready.await {
                tracing::debug!(%error, "the client could not be warmed up");
            }
        });
    }

    /// The same client with other options.
    #[must_use]
    pub fn with_options(&self, options: RequestOptions) -> Self {
        Self { options, ..self.clone() }
    }

    /// The same client with another deadline.
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        self.with_options(RequestOptions { deadline: Some(deadline), ..self.options.clone() })
    }

    /// The options of its requests.
    pub fn options(&self) -> &RequestOptions {
        &self.options
    }

    /// The host of the base URL, without port; `None` if the base URL is unusable. May read the
    /// profile, never the network.
    pub async fn host(&self) -> Option<String> {
        let base = self.base_url().await.ok()?;
        base.url.host_str().map(str::to_owned)
    }

    /// Where requests go, and where that was set. May read the profile, never the network.
    ///
    /// # Errors
    /// If the base URL, or the profile that may name one, is unusable.
    pub async fn base_url(&self) -> Result<BaseUrl, ApiError> {
        self.auth.base().await
    }

    /// Whether requests go to `api.anthropic.com`, whose sessions have a page in the Console.
    pub async fn is_official(&self) -> bool {
        self.host().await.as_deref() == Some("api.anthropic.com")
    }

    /// The effective set-up, from settings and disk; makes no request and refreshes no token.
    pub async fn describe(&self) -> Description {
        self.auth.describe().await
    }

    /// The pause before the write that failed is decided on anew; `None` where another attempt
    /// would not end differently, or there were as many repetitions as there may be.
    pub(crate) fn pause_before_repetition(
        &self,
        error: &ApiError,
        repetitions: u32,
    ) -> Option<Duration> {
        let policy = self.settings.retry;
        let repeats = error.is_worth_repeating()
            && (error.http_status() != Some(429) || self.options.rate_limits == RateLimits::Wait);
        repeats.then(|| policy.pause(error.retry_after(), repetitions, attempt::jitter())).flatten()
    }

    /// Sends `request`, and retries it if it is a read.
    pub(crate) async fn send<T: Send>(
        &self,
        request: &Request<'_>,
        parse: Parse<T>,
    ) -> Result<ApiResponse<T>, ApiError> {
        self.send_and_read(request, &parse).await
    }

    /// The same, with another way to read the body of a success. After a 401 a renewable
    /// credential is renewed once, and a read is sent again once.
    pub(crate) async fn send_and_read<T>(
        &self,
        request: &Request<'_>,
        body: &impl ReadBody<T>,
    ) -> Result<ApiResponse<T>, ApiError> {
        let deadline = self.options.deadline;
        let deadline = deadline.unwrap_or_else(|| after(self.settings.timeout));
        let options = SendOptions {
            policy: self.settings.retry,
            attempt_timeout: self.settings.request_timeout,
            deadline,
            caller: &self.options,
        };
        let mut auth = within(deadline, self.auth.request_auth(None)).await?;
        let mut is_renewed = false;
        loop {
            // Again after a renewal: the profile may name another base URL by now.
            let http = within(deadline, self.transport.client(&auth.base.url)).await?;
            let prepared =
                request.prepare(&auth.base.url, auth.headers.clone(), auth.secret.clone());
            let error = match attempt::send(http, &prepared, &options, body).await {
                Ok(response) => return Ok(response),
                Err(error) => error.at(prepared.place(&auth.base)),
            };
            if error.http_status() != Some(401) || !auth.is_renewable || is_renewed {
                return Err(error);
            }
            is_renewed = true;
            let rejected = Some(Arc::clone(&auth));
            let renewed = within(deadline, self.auth.request_auth(rejected)).await?;
            if renewed.secret == auth.secret {
                return Err(error);
            }
            if request.repeat == Repeat::Never {
                return Err(error.worth_repeating(true));
            }
            auth = renewed;
        }
    }
}

async fn within<T>(
    deadline: Instant,
    work: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    let done = timeout_at(deadline, work).await;
    done.unwrap_or_else(|_| Err(ApiError::timed_out()))
}

/// Settings only: the credential is secret.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("settings", &self.settings)
            .field("deadline", &self.options.deadline)
            .finish_non_exhaustive()
    }
}
