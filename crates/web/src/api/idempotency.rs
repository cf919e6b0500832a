//! Idempotency keys (B-8): what makes a repeated write the same write.

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use engine::Caller;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::{Idempotency, Outcome};

use super::problem::{Code, Problem};

/// The request header.
pub(crate) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header of an answer that was given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

const KEY_LENGTH_MAX: usize = 255;

/// The idempotency of a request, if it asks for it.
pub(crate) fn of(
    headers: &HeaderMap,
    caller: Caller,
    (method, path): (&Method, &str),
    body: &[u8],
) -> Result<Option<Idempotency>, Problem> {
    let mut keys = headers.get_all(KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| is_usable(key) && keys.next().is_none()).ok_or_else(|| {
        let detail = format!("one Idempotency-Key of 1 to {KEY_LENGTH_MAX} visible ASCII characters");
        Problem::new(Code::InvalidIdempotencyKey, detail)
    })?;
    let fingerprint = fingerprint(method, path, body);
    Ok(Some(Idempotency { scope: caller.key_scope(), key: key.to_owned(), fingerprint, lasting: false }))
}

fn is_usable(key: &str) -> bool {
    (1..=KEY_LENGTH_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Two requests with the same method, path and JSON are the same, however the JSON is written.
fn fingerprint(method: &Method, path: &str, body: &[u8]) -> [u8; 32] {
    let mut text = format!("{method}\n{path}\n").into_bytes();
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => write_sorted(&value, &mut text),
        Err(_) => text.extend_from_slice(body),
    }
    Sha256::digest(&text).into()
}

fn write_sorted(value: &Value, text: &mut Vec<u8>) {
    match value {
        Value::Array(items) => {
            text.push(b'[');
            for item in items {
                write_sorted(item, text);
                text.push(b',');
            }
            text.push(b']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            text.push(b'{');
            for (name, value) in fields {
                text.extend_from_slice(Value::from(name.as_str()).to_string().as_bytes());
                text.push(b':');
                write_sorted(value, text);
                text.push(b',');
            }
            text.push(b'}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.extend_from_slice(value.to_string().as_bytes());
        }
    }
}

/// The answer to a write: the thing, and whether it is an answer of before.
pub(crate) fn answer<T: Serialize>(status: StatusCode, outcome: Outcome<T>) -> Response {
    let is_replay = matches!(outcome, Outcome::AlreadyDone(_));
    mark(is_replay, (status, Json(outcome.into_inner())).into_response())
}

/// Says that an answer was given before.
pub(crate) fn mark(is_replay: bool, mut response: Response) -> Response {
    if is_replay {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}
