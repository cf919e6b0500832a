//! Points in time, periods, waits. Whole seconds, UTC (T-1). Civil arithmetic is in [`crate::calendar`].

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, in whole seconds (T-1), between 1970 and 2500.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

/// The text is not an instant that can be used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInstant {
    /// It does not read as RFC 3339.
    #[error("not an RFC 3339 instant, such as 2019-05-31T16:00:00Z")]
    Malformed,
    /// It has a fraction of a second.
    #[error("instants are whole seconds")]
    Fraction,
    /// It lies outside of the years 1970 to 2500.
    #[error("instants lie between 1970 and 2500")]
    OutOfRange,
}

impl Instant {
    /// The first instant there is.
    pub const MIN: Self = Self(0);
    /// 2500-01-01T00:00:00Z. Every term that is sold ends before; the calendar works far beyond.
    pub const MAX: Self = Self(16_725_225_600);

    /// The instant `seconds` after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`InvalidInstant::OutOfRange`] before 1970 and after 2500.
    pub const fn from_seconds(seconds: i64) -> Result<Self, InvalidInstant> {
        if seconds < Self::MIN.0 || seconds > Self::MAX.0 {
            return Err(InvalidInstant::OutOfRange);
        }
        Ok(Self(seconds))
    }

    /// The instant at or just before a timestamp of the calendar; what lies outside of the range becomes its edge.
    pub(crate) fn from_timestamp(timestamp: Timestamp) -> Self {
        Self(timestamp.as_second().clamp(Self::MIN.0, Self::MAX.0))
    }

    pub(crate) fn timestamp(self) -> Timestamp {
        Timestamp::from_second(self.0).expect("instants lie inside of the calendar's range")
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// The instant so many seconds later (earlier when negative), kept inside of the range.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds).clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Seconds from `earlier` to this instant; negative when it is later.
    #[must_use]
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.timestamp(), f)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Instant {
    type Err = InvalidInstant;

    fn from_str(text: &str) -> Result<Self, InvalidInstant> {
        let timestamp: Timestamp = text.parse().map_err(|_| InvalidInstant::Malformed)?;
        if timestamp.subsec_nanosecond() != 0 {
            return Err(InvalidInstant::Fraction);
        }
        Self::from_seconds(timestamp.as_second())
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A half-open span of time `[start, end)` (T-1); never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The first instant in it.
    pub start: Instant,
    /// The first instant after it.
    pub end: Instant,
}

impl Period {
    /// The period from `start` to `end`, or `None` when that is empty.
    #[must_use]
    pub fn new(start: Instant, end: Instant) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// Its length in seconds.
    #[must_use]
    pub fn seconds(self) -> u64 {
        u64::try_from(self.end.seconds_since(self.start)).expect("a period ends after it starts")
    }
}

/// How long to wait for something: civil days, then absolute seconds (T-3). Written in ISO 8601: `P3D`, `PT24H`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Wait {
    /// Civil days: the same local time so many days later.
    pub days: u16,
    /// Absolute seconds on top.
    pub seconds: u32,
}

/// The text is not a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a duration of weeks, days, hours, minutes and seconds in ISO 8601, such as P3D or PT24H, of at most P366D"
)]
pub struct InvalidWait;

impl Wait {
    /// The longest wait, in days.
    pub const DAYS_MAX: u16 = 366;

    /// A wait of civil days.
    #[must_use]
    pub const fn days(days: u16) -> Self {
        Self { days, seconds: 0 }
    }

    /// A wait of absolute hours.
    #[must_use]
    pub const fn hours(hours: u16) -> Self {
        // Widening; `From` is not const.
        #[expect(clippy::as_conversions, reason = "u16 to u32 in a const fn")]
        Self { days: 0, seconds: hours as u32 * 3600 }
    }

    /// Its length when every day has 24 hours: to compare two waits.
    #[must_use]
    pub fn nominal_seconds(self) -> u64 {
        u64::from(self.days) * 86_400 + u64::from(self.seconds)
    }
}

impl FromStr for Wait {
    type Err = InvalidWait;

    fn from_str(text: &str) -> Result<Self, InvalidWait> {
        let span: jiff::Span = text.parse().map_err(|_| InvalidWait)?;
        let sub_second = span.get_milliseconds() | span.get_microseconds() | span.get_nanoseconds();
        if span.is_negative() || span.get_years() != 0 || span.get_months() != 0 || sub_second != 0 {
            return Err(InvalidWait);
        }
        let days = span.get_weeks().checked_mul(7).and_then(|days| days.checked_add(span.get_days()));
        let days = days.and_then(|days| u16::try_from(days).ok()).ok_or(InvalidWait)?;
        let minutes = i64::from(span.get_hours()) * 60 + span.get_minutes();
        let seconds = minutes.checked_mul(60).and_then(|seconds| seconds.checked_add(span.get_seconds()));
        let seconds = seconds.and_then(|seconds| u32::try_from(seconds).ok()).ok_or(InvalidWait)?;
        let wait = Self { days, seconds };
        let longest = Self::days(Self::DAYS_MAX).nominal_seconds();
        if wait.nominal_seconds() > longest { Err(InvalidWait) } else { Ok(wait) }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P")?;
        if self.days > 0 {
            write!(f, "{}D", self.days)?;
        }
        if self.seconds == 0 && self.days > 0 {
            return Ok(());
        }
        let (hours, minutes, seconds) = (self.seconds / 3600, self.seconds / 60 % 60, self.seconds % 60);
        f.write_str("T")?;
        for (n, unit) in [(hours, 'H'), (minutes, 'M'), (seconds, 'S')] {
            if n > 0 || (unit == 'S' && self.seconds == 0) {
                write!(f, "{n}{unit}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Wait {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
