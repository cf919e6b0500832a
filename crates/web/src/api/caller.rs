//! Who asks: the one place where keys are looked at. What they may do is the engine's decision ([`Caller`]).

use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use domain::id::AccountId;
use engine::{Caller, Engine};

use super::fault::Faults;
use super::problem::Problem;

/// Who asks. Only behind [`authenticate`]; elsewhere the request fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct By(pub(crate) Caller);

impl<S: Send + Sync> FromRequestParts<S> for By {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().copied().ok_or_else(Problem::internal)
    }
}

/// Lets a request pass that carries a key we know.
pub(crate) async fn authenticate(
    State(engine): State<Engine>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let missing = || Problem::unauthorized("send an API key: Authorization: Bearer KEY");
    let key = bearer(request.headers()).ok_or_else(missing)?;
    let caller = engine.authenticate(key).await?;
    let caller = caller.ok_or_else(|| Problem::unauthorized("this API key is not known"))?;
    request.extensions_mut().insert(By(caller));
    Ok(next.run(request).await)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}

/// The account for which something is asked: a customer may leave it out, the operator may not.
pub(crate) fn account(faults: &mut Faults, caller: Caller, asked: Option<&str>) -> Option<AccountId> {
    match (asked, caller) {
        (Some(text), _) => faults.parse("/account_id", text),
        (None, Caller::Account(own)) => Some(own),
        (None, Caller::Operator) => {
            faults.add("/account_id", "must say for which account the operator acts");
            None
        }
    }
}
