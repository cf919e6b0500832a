//! Query strings and path segments, read as strictly as bodies.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::fault::{Faults, read};
use super::problem::Problem;

/// The query string. Every field of `T` is text or a word; a parameter that `T` does not know is refused.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut faults = Faults::default();
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let pairs = faults.take("", pairs).map_or_else(Vec::new, |Query(pairs)| pairs);
        let mut fields = Map::new();
        for (name, value) in pairs {
            let pointer = format!("/{name}");
            if fields.insert(name, Value::String(value)).is_some() {
                faults.add(pointer, "is given more than once");
            }
        }
        faults.finish(|| Some(()))?;
        read(Value::Object(fields)).map(Self)
    }
}

/// The variable parts of the path. What does not read as an id is the id of nothing.
#[derive(Debug)]
pub(crate) struct Place<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Place<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let found = Path::<T>::from_request_parts(parts, state).await;
        found.map(|Path(value)| Self(value)).map_err(|_| Problem::not_found())
    }
}
