//! Instants as JSON integers, seconds since 1970-01-01T00:00:00Z: every language reads them without a library (RFC 7519).

use domain::time::Instant;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

pub fn serialize<S: Serializer>(instant: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(instant.seconds())
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Instant, D::Error> {
    Instant::from_seconds(i64::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// The same, or `null`.
pub mod nullable {
    use super::{Deserialize, Deserializer, Error, Instant, Serializer};

    pub fn serialize<S: Serializer>(instant: &Option<Instant>, serializer: S) -> Result<S::Ok, S::Error> {
        match instant {
            Some(instant) => super::serialize(instant, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Instant>, D::Error> {
        let seconds = Option::<i64>::deserialize(deserializer)?;
        seconds.map(Instant::from_seconds).transpose().map_err(D::Error::custom)
    }
}
