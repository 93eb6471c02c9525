//! The proxy that requests to the world go through, as far as the environment says. The HTTP
//! client reads the same variables itself; this is for the person who looks for the reason.

use url::Url;

use crate::environment::Environment;

/// The variables about proxies that are set, without user names and passwords.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxy {
    /// The variable that counts, and where it leads.
    pub through: Option<(&'static str, String)>,
    /// Hosts that are reached without it.
    pub except: Option<String>,
}

impl Proxy {
    pub(crate) fn read(environment: &Environment) -> Self {
        let first = |names: &[&'static str]| {
            let mut set = names
                .iter()
                .filter_map(|name| Some((*name, environment.get(name)?)));
            set.next()
        };
        let through = first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]);
        Self {
            through: through.map(|(name, value)| (name, place(value))),
            except: first(&["NO_PROXY", "no_proxy"]).map(|(_, hosts)| hosts.to_owned()),
        }
    }
}

/// Scheme, host and port of a proxy.
fn place(text: &str) -> String {
    // `host:port` is a proxy too; as a URL its host would be a scheme.
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let Ok(url) = Url::parse(&with_scheme) else {
        return "a value that is not a URL".to_owned();
    };
    let host = url.host_str().unwrap_or("an unnamed host");
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    format!("{}://{host}{port}", url.scheme())
}

#[cfg(test)]
mod tests {
    use crate::config::proxy::{Environment, Proxy, place};

    #[test]
    fn a_proxy_is_shown_without_its_password() {
        let check = |given, shown| assert_eq!(place(given), shown);
        check(
            "http://user:secret@proxy.example:3128/",
            "http://proxy.example:3128",
        );
        check("proxy.example:3128", "http://proxy.example:3128");
        check("socks5h://[::1]:1080", "socks5h://[::1]:1080");
        check("http://", "a value that is not a URL");
    }

    #[test]
    fn the_variable_that_counts_is_named() {
        let environment: Environment = [
            ("ALL_PROXY", "socks5://a:1"),
            ("https_proxy", "b:2"),
            ("NO_PROXY", ".internal"),
        ]
        .into_iter()
        .collect();
        let proxy = Proxy::read(&environment);
        assert_eq!(
            proxy.through,
            Some(("https_proxy", "http://b:2".to_owned()))
        );
        assert_eq!(proxy.except.as_deref(), Some(".internal"));
    }
}
