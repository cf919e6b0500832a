//! Names that customers and their software give to things: hosts, jobs, installations.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest name, in characters.
pub const LABEL_LENGTH_MAX: usize = 255;

/// The text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {LABEL_LENGTH_MAX} characters without control characters, invisible ones or spaces around them")]
pub struct InvalidLabel;

/// Characters that nobody sees, or that turn the text around: with them two names look the same.
const fn is_invisible(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn is_label(text: &str) -> bool {
    (1..=LABEL_LENGTH_MAX).contains(&text.chars().count())
        && !text.chars().any(|char| char.is_control() || is_invisible(char))
        && text.trim() == text
}

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Its text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidLabel;

            fn from_str(text: &str) -> Result<Self, InvalidLabel> {
                if is_label(text) { Ok(Self(text.to_owned())) } else { Err(InvalidLabel) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidLabel;

            fn try_from(text: String) -> Result<Self, InvalidLabel> {
                if is_label(&text) { Ok(Self(text)) } else { Err(InvalidLabel) }
            }
        }

        impl From<$name> for String {
            fn from(label: $name) -> Self {
                label.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

labels! {
    /// A protected host, as the customer's software names it. Compared as it is written.
    Host;
    /// A failback, as the customer's software names it. Never used for two (L-5).
    JobId;
    /// A copy of the customer's software that works offline.
    InstallationName;
}
