//! The one clock (T-5): real time, or a test clock that only moves when told to.

use std::sync::atomic::{AtomicI64, Ordering};

use domain::time::Instant;

/// The clock of a process.
#[derive(Debug)]
pub enum SiteClock {
    /// The machine's time.
    System,
    /// Stands still until it is moved.
    Test(AtomicI64),
}

impl SiteClock {
    /// A test clock that stands at an instant.
    #[must_use]
    pub const fn test(at: Instant) -> Self {
        Self::Test(AtomicI64::new(at.seconds()))
    }

    /// Whether it is a test clock.
    #[must_use]
    pub const fn is_test(&self) -> bool {
        matches!(self, Self::Test(_))
    }

    /// Moves a test clock forward; earlier instants are ignored.
    pub(crate) fn move_to(&self, at: Instant) {
        match self {
            Self::System => {}
            Self::Test(seconds) => {
                seconds.fetch_max(at.seconds(), Ordering::SeqCst);
            }
        }
    }
}

impl store::Clock for SiteClock {
    fn now(&self) -> Instant {
        let seconds = match self {
            Self::System => system_seconds(),
            Self::Test(seconds) => seconds.load(Ordering::SeqCst),
        };
        Instant::from_seconds(seconds).unwrap_or(Instant::MIN)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock port: the one place that reads the machine's time")]
fn system_seconds() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
