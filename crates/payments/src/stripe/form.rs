//! Parameters as Stripe takes them: form-encoded, nested with brackets (`line_items[0][price_data][currency]=usd`).

use std::fmt::{Display, Write};

/// Parameters of one call, in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct Form {
    text: String,
}

impl Form {
    pub(super) const fn new() -> Self {
        Self { text: String::new() }
    }

    /// With one more parameter. Names are ours and hold only letters, digits, `_` and brackets; values hold anything.
    pub(super) fn with(mut self, name: &str, value: impl Display) -> Self {
        if !self.text.is_empty() {
            self.text.push('&');
        }
        self.text.push_str(name);
        self.text.push('=');
        encode(&mut self.text, &value.to_string());
        self
    }

    /// With one more parameter, if there is a value for it.
    pub(super) fn with_some(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

fn encode(out: &mut String, value: &str) {
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => write!(out, "%{other:02X}").expect("a text takes everything"),
        }
    }
}
