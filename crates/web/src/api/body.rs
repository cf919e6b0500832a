//! Bodies: JSON, read once, refused with the place of what is wrong.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, FromRequestParts, Request};
use engine::Caller;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use store::Idempotency;
use utoipa::ToSchema;

use super::caller::By;
use super::fault::{Faults, read};
use super::idempotency;
use super::problem::{Code, Problem};

/// The body of a request that has no idempotency key.
#[derive(Debug)]
pub(crate) struct Body<T> {
    /// Who asks.
    pub(crate) caller: Caller,
    /// What was sent.
    pub(crate) body: T,
}

/// A write that may be repeated under a key (B-8).
#[derive(Debug)]
pub(crate) struct Write<T> {
    /// Who asks.
    pub(crate) caller: Caller,
    /// What was sent.
    pub(crate) body: T,
    /// What makes a repeat the same write.
    pub(crate) idempotency: Option<Idempotency>,
}

/// The body of a write that needs nothing said: empty, or an object without fields.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let By(caller) = By::from_request_parts(&mut parts, state).await?;
        let bytes = bytes(Request::from_parts(parts, body), state).await?;
        Ok(Self { caller, body: json(&bytes)? })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Write<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let By(caller) = By::from_request_parts(&mut parts, state).await?;
        let bytes = bytes(Request::from_parts(parts.clone(), body), state).await?;
        let target = (&parts.method, parts.uri.path());
        let idempotency = idempotency::of(&parts.headers, caller, target, &bytes)?;
        Ok(Self { caller, body: json(&bytes)?, idempotency })
    }
}

/// The bytes of the body; without a body the empty object, so what has only optional fields may be left out.
async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
        if let BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) = rejection {
            return Problem::new(Code::BodyTooLarge, "the body is larger than this server takes");
        }
        Problem::new(Code::UnreadableBody, "the body did not arrive whole")
    })?;
    Ok(if bytes.iter().all(u8::is_ascii_whitespace) { Bytes::from_static(b"{}") } else { bytes })
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let malformed = |why: String| Problem::new(Code::MalformedJson, format!("the body is not JSON: {why}"));
    let text = str::from_utf8(bytes).map_err(|error| malformed(error.to_string()))?;
    // The syntax first: what is JSON, but a number that no field can hold, is a wrong value and not malformed.
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| malformed(error.to_string()))?;
    // By position an array would fit the same fields, and mean something else when a field moves.
    let mut faults = Faults::default();
    if !text.trim_start().starts_with('{') {
        faults.add("", "the body must be a JSON object");
    }
    faults.finish(|| Some(()))?;
    read(&mut serde_json::Deserializer::from_str(text))
}
