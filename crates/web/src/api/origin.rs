//! Where people reach us, for addresses that are handed out.

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;

use super::App;
use super::problem::Problem;

/// The address that was configured, else that of the request; empty when it names none.
#[derive(Debug)]
pub(crate) struct Origin(String);

impl Origin {
    /// The address without a path.
    pub(crate) fn site(&self) -> &str {
        &self.0
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl FromRequestParts<App> for Origin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if let Some(url) = &app.public_url {
            return Ok(Self(url.trim_end_matches('/').to_owned()));
        }
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).filter(|host| is_plain(host));
        Ok(Self(host.map(|host| format!("http://{host}")).unwrap_or_default()))
    }
}

/// Only what a name, an address and a port are made of.
fn is_plain(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
}
