//! The sandbox as an HTTP client sees it.
