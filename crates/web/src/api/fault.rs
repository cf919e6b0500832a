//! Wrong values of a request: collected, so a caller sees all of them at once.

use std::fmt::Display;
use std::str::FromStr;

use domain::money::Amount;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use super::problem::{Fault, Problem};

/// The wrong values found so far.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// Notes that a value is wrong.
    pub(crate) fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Fault { pointer: pointer.into(), detail: detail.into() });
    }

    /// The value, or a note of what is wrong with it.
    pub(crate) fn take<T, E: Display>(&mut self, pointer: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(pointer, error.to_string());
                None
            }
        }
    }

    /// The value that a text means.
    pub(crate) fn parse<T>(&mut self, pointer: &str, text: &str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        self.take(pointer, text.parse())
    }

    /// The value that a text means, if there is one. The outer `None` means that it is wrong.
    pub(crate) fn parse_opt<T>(&mut self, pointer: &str, text: Option<&str>) -> Option<Option<T>>
    where
        T: FromStr<Err: Display>,
    {
        match text {
            None => Some(None),
            Some(text) => self.parse(pointer, text).map(Some),
        }
    }

    /// An amount of minor units that the books can hold.
    pub(crate) fn amount(&mut self, pointer: &str, minor: i64) -> Option<Amount> {
        self.take(pointer, Amount::new(minor))
    }

    /// A text of 1 to `max` characters that people read.
    pub(crate) fn text(&mut self, pointer: &str, text: String, max: usize) -> Option<String> {
        let n = text.chars().count();
        if text.trim().is_empty() || n > max {
            self.add(pointer, format!("must be 1 to {max} characters, not {n}"));
            return None;
        }
        if text.chars().any(char::is_control) {
            self.add(pointer, "must not contain control characters");
            return None;
        }
        Some(text)
    }

    /// What `build` makes of the values, unless one was wrong. `build` gives `None` only for a value that was noted.
    pub(crate) fn finish<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, Problem> {
        if !self.0.is_empty() {
            return Err(Problem::invalid(self.0));
        }
        build().ok_or_else(Problem::internal)
    }
}

/// A wrong value that serde found.
pub(crate) fn fault(error: &serde_path_to_error::Error<serde_json::Error>) -> Fault {
    let mut pointer = pointer(error.path());
    let message = error.inner().to_string();
    // The place in the text says nothing to a caller whose library wrote it.
    let detail = message.split(" at line ").next().unwrap_or(&message).to_owned();
    let named = ["missing field `", "duplicate field `"].iter().find_map(|start| detail.strip_prefix(start));
    if let Some(name) = named.and_then(|rest| rest.strip_suffix('`')) {
        push(&mut pointer, name);
    }
    Fault { pointer, detail }
}

fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => push(&mut pointer, &index.to_string()),
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// RFC 6901.
fn push(pointer: &mut String, token: &str) {
    pointer.push('/');
    pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
}

/// Reads a wire type, or says where and why not.
pub(crate) fn read<'de, T, D>(deserializer: D) -> Result<T, Problem>
where
    T: DeserializeOwned,
    D: serde::Deserializer<'de, Error = serde_json::Error>,
{
    serde_path_to_error::deserialize(deserializer).map_err(|error| Problem::invalid(vec![fault(&error)]))
}
