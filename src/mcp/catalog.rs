//! The tools that are offered. What is published of them is only worked out when somebody asks
//! for it: deriving their schemas would be most of the work of a start.

use std::{collections::BTreeSet, sync::LazyLock};

use rmcp::handler::server::router::tool::{ToolRoute, ToolRouter};

use crate::{
    config::Config,
    domain::step::LeftOut,
    mcp::{server::SessionsServer, tools::registry},
};

pub(crate) type Route = ToolRoute<SessionsServer>;
type Router = ToolRouter<SessionsServer>;

/// A tool's name, and how its route is made from the statuses declared as idle and the tools left
/// out, of which its texts do not speak.
pub(crate) struct Offer {
    pub(crate) name: &'static str,
    pub(crate) route: fn(&[String], &LeftOut) -> Route,
}

/// The tools of a server.
pub(crate) struct Tools {
    names: BTreeSet<String>,
    left_out: LeftOut,
    router: LazyLock<Router, Box<dyn FnOnce() -> Router + Send>>,
}

impl Tools {
    /// The tools that this configuration offers, and `further` ones.
    pub(crate) fn new(config: &Config, further: impl IntoIterator<Item = Route>) -> Self {
        let (offers, left_out) = registry(config);
        let further: Vec<Route> = further.into_iter().collect();
        let names = offers.iter().map(|offer| offer.name.to_owned());
        let names = names.chain(further.iter().map(|route| route.name().to_owned()));
        let names = names.collect();
        let (idle_statuses, absent) = (config.app.idle_statuses.clone(), left_out.clone());
        let published = move || {
            let mut router = Router::new();
            for offer in offers {
                router.add_route((offer.route)(&idle_statuses, &absent));
            }
            for route in further {
                router.add_route(route);
            }
            router
        };
        Self {
            names,
            left_out,
            router: LazyLock::new(Box::new(published)),
        }
    }

    /// The names of the tools.
    pub(crate) fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// The tools that the configuration leaves out.
    pub(crate) fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// The tools as they are published and called.
    pub(crate) fn router(&self) -> &Router {
        &self.router
    }
}
