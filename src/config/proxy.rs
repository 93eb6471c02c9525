//! The proxy settings of the environment, for display. The HTTP client reads the same variables
//! itself.

use url::Url;

use crate::environment::Environment;

/// The proxy variables that are set, without user names and passwords.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxy {
    /// The variable in effect, and the proxy's address.
    pub through: Option<(&'static str, String)>,
    /// Hosts that bypass the proxy.
    pub except: Option<String>,
}

impl Proxy {
    pub(crate) fn read(environment: &Environment) -> Self {
        let first = |names: &[&'static str]| {
            let mut set = names.iter().filter_map(|name| Some((*name, environment.get(name)?)));
            set.next()
        };
        let through = first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]);
        Self {
            through: through.map(|(name, value)| (name, address(value))),
            except: first(&["NO_PROXY", "no_proxy"]).map(|(_, hosts)| hosts.to_owned()),
        }
    }
}

/// Scheme, host and port of a proxy.
fn address(text: &str) -> String {
    // `host:port` is valid too, but as a URL its host would be the scheme.
    let url =
        if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
    let Ok(url) = url else {
        return "an invalid URL".to_owned();
    };
    let host = url.host_str().unwrap_or("an unnamed host");
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}", url.scheme())
}

#[cfg(test)]
mod tests {
    use crate::config::proxy::{Environment, Proxy, address};

    #[test]
    fn a_proxy_is_shown_without_its_password() {
        let check = |given, shown| assert_eq!(address(given), shown);
        check("http://user:secret@proxy.example:3128/", "http://proxy.example:3128");
        check("proxy.example:3128", "http://proxy.example:3128");
        check("socks5h://[::1]:1080", "socks5h://[::1]:1080");
        check("http://", "an invalid URL");
    }

    #[test]
    fn the_variable_in_effect_is_named() {
        let environment: Environment =
            [("ALL_PROXY", "socks5://a:1"), ("https_proxy", "b:2"), ("NO_PROXY", ".internal")]
                .into_iter()
                .collect();
        let expected = Proxy {
            through: Some(("https_proxy", "http://b:2".to_owned())),
            except: Some(".internal".to_owned()),
        };
        assert_eq!(Proxy::read(&environment), expected);
    }
}
