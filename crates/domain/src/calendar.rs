//! Civil arithmetic in the site zone. All of it is here: adding months to a date anywhere else is a bug.
//!
//! A local time that a clock change skips means the first instant after the gap; one that comes twice means the earlier
//! instant (T-3). That also holds for midnight and for the whole hour, so the *start of a month* is an instant in every zone.

use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Span, ToSpan};

use crate::time::{Instant, Period, Wait};

/// A unit of a term. Hours are absolute; days, months and years are civil (T-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// 3600 seconds.
    Hour,
    /// The same local time on another day.
    Day,
    /// The same day and local time of another month.
    Month,
    /// The same month, day and local time of another year.
    Year,
}

impl Unit {
    /// Its name in the API and in stored rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// How many of it a term may have, so that no term is longer than about a century.
    #[must_use]
    pub const fn count_max(self) -> u32 {
        match self {
            Self::Hour => 87_600,
            Self::Day => 36_500,
            Self::Month => 1_200,
            Self::Year => 100,
        }
    }
}

/// The billing time zone of a site (T-2).
#[derive(Clone, PartialEq, Eq)]
pub struct BillingZone {
    name: String,
    zone: TimeZone,
}

/// There is no such zone in the IANA database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no IANA time zone {name:?}; a valid one is Asia/Shanghai")]
pub struct UnknownZone {
    /// The name that was given.
    pub name: String,
}

impl fmt::Debug for BillingZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

const DATE_IN_RANGE: &str = "instants between 1970 and 2500 leave room in the calendar's years";

impl BillingZone {
    /// The zone with this IANA name, from the data that is part of the program.
    ///
    /// # Errors
    /// [`UnknownZone`].
    pub fn parse(name: &str) -> Result<Self, UnknownZone> {
        let unknown = || UnknownZone { name: name.to_owned() };
        let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| unknown())?;
        let name = zone.iana_name().ok_or_else(unknown)?.to_owned();
        Ok(Self { name, zone })
    }

    /// UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }

    /// The IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn local(&self, instant: Instant) -> DateTime {
        self.zone.to_datetime(instant.timestamp())
    }

    /// T-3: the instant that a local time means.
    fn instant(&self, local: DateTime) -> Instant {
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        let timestamp = match ambiguous.offset() {
            AmbiguousOffset::Gap { after, .. } => {
                let before_the_gap = after.to_timestamp(local).expect(DATE_IN_RANGE);
                let transition = self.zone.following(before_the_gap).next();
                transition.expect("a gap ends with a transition").timestamp()
            }
            AmbiguousOffset::Unambiguous { .. } => ambiguous.unambiguous().expect("it is unambiguous"),
            AmbiguousOffset::Fold { before, after } => {
                let earlier = before.to_timestamp(local).expect(DATE_IN_RANGE);
                // The rule for the future may tell of a change that a zone did not make (Nuuk, October 2023).
                let is_shown = self.zone.to_datetime(earlier) == local;
                if is_shown { earlier } else { after.to_timestamp(local).expect(DATE_IN_RANGE) }
            }
        };
        Instant::from_timestamp(timestamp)
    }

    /// The local time as text, for messages: `2019-05-15 17:58:00`.
    ///
    /// ```
    /// # use domain::calendar::BillingZone;
    /// let zone = BillingZone::parse("Asia/Shanghai").unwrap();
    /// assert_eq!(zone.show("2019-05-15T09:58:00Z".parse().unwrap()), "2019-05-15 17:58:00");
    /// ```
    #[must_use]
    pub fn show(&self, instant: Instant) -> String {
        let local = self.local(instant);
        format!("{} {}", local.date(), local.time())
    }

    /// The instant of a local time `2019-05-15 17:58:00` (T-3), or `None` when the text is not one.
    #[must_use]
    pub fn read(&self, local: &str) -> Option<Instant> {
        local.parse::<DateTime>().ok().map(|local| self.instant(local))
    }

    /// The local date at an instant, `2019-05-15`. Where clocks went back over midnight, what comes twice belongs to the
    /// new day, so days follow each other and every instant lies in its own.
    #[must_use]
    pub fn date(&self, instant: Instant) -> Day {
        let shown = Day(self.local(instant).date());
        let next = shown.plus_days(1);
        if self.start_of(next) <= instant { next } else { shown }
    }

    /// The first instant of a local date.
    #[must_use]
    pub fn start_of(&self, day: Day) -> Instant {
        self.instant(day.0.to_datetime(Time::midnight()))
    }

    /// A whole hour of a local date, such as 01:00 or 10:00.
    #[must_use]
    pub fn hour_of(&self, day: Day, hour: i8) -> Instant {
        self.instant(day.0.at(hour, 0, 0, 0))
    }

    /// The local month around an instant. Its start is midnight of the 1st, or the first instant after where a clock
    /// change skips it.
    ///
    /// ```
    /// # use domain::calendar::BillingZone;
    /// let asuncion = BillingZone::parse("America/Asuncion").unwrap();
    /// let october = asuncion.month_around("2023-10-15T00:00:00Z".parse().unwrap());
    /// assert_eq!(asuncion.show(october.start), "2023-10-01 01:00:00");
    /// ```
    #[must_use]
    pub fn month_around(&self, instant: Instant) -> Period {
        let first = self.date(instant).0.first_of_month();
        Period { start: self.month_start(first), end: self.month_start(plus(first, 1.month())) }
    }

    /// The local calendar year around an instant, from 1 January to 1 January (P-3).
    #[must_use]
    pub fn year_around(&self, instant: Instant) -> Period {
        let first = self.date(instant).0.first_of_year();
        Period { start: self.month_start(first), end: self.month_start(plus(first, 1.year())) }
    }

    /// Whether a local month starts at this instant (R-3).
    #[must_use]
    pub fn is_month_start(&self, instant: Instant) -> bool {
        self.month_around(instant).start == instant
    }

    fn month_start(&self, first: Date) -> Instant {
        self.instant(first.to_datetime(Time::midnight()))
    }

    /// Whether a local whole hour begins at this instant (R-4).
    #[must_use]
    pub fn is_whole_hour(&self, instant: Instant) -> bool {
        seconds_into_hour(self.local(instant)) == 0
    }

    /// The first local whole hour after an instant (R-4). From 01:30 before a clock change at 02:00 it is 03:00.
    #[must_use]
    pub fn next_whole_hour(&self, instant: Instant) -> Instant {
        let candidate = instant.plus_seconds(3600 - seconds_into_hour(self.local(instant)));
        if self.is_whole_hour(candidate) {
            return candidate;
        }
        // A clock change by a part of an hour lies between (Lord Howe): count on from the change.
        let change = self.zone.following(instant.timestamp()).next();
        let change = Instant::from_timestamp(change.expect("the offset changed in between").timestamp());
        if self.is_whole_hour(change) {
            change
        } else {
            change.plus_seconds(3600 - seconds_into_hour(self.local(change)))
        }
    }

    /// The end of `count` units from `anchor` (T-3, T-4): clamped to the month's end, and from a month start always at
    /// a month start (R-3).
    ///
    /// ```
    /// # use domain::calendar::{BillingZone, Unit};
    /// let zone = BillingZone::parse("Asia/Shanghai").unwrap();
    /// let anchor = zone.read("2025-01-31 10:00:00").unwrap();
    /// let ends: Vec<_> = (1..=3).map(|k| zone.show(zone.add(anchor, Unit::Month, k))).collect();
    /// assert_eq!(ends, ["2025-02-28 10:00:00", "2025-03-31 10:00:00", "2025-04-30 10:00:00"]);
    /// let leap = zone.read("2024-02-29 12:00:00").unwrap();
    /// let ends: Vec<_> = (1..=4).map(|k| zone.show(zone.add(leap, Unit::Year, k))).collect();
    /// assert_eq!(ends[2..], ["2027-02-28 12:00:00", "2028-02-29 12:00:00"]);
    /// ```
    #[must_use]
    pub fn add(&self, anchor: Instant, unit: Unit, count: u32) -> Instant {
        let n = i64::from(count);
        let months = match unit {
            Unit::Hour => return anchor.plus_seconds(n * 3600),
            Unit::Day => return self.add_days(anchor, n),
            Unit::Month => n,
            Unit::Year => n * 12,
        };
        let local = self.local(anchor);
        if self.is_month_start(anchor) {
            return self.month_start(plus(local.date().first_of_month(), months.months()));
        }
        self.instant(plus(local.date(), months.months()).to_datetime(local.time()))
    }

    /// The same local time so many days later.
    #[must_use]
    pub fn add_days(&self, instant: Instant, days: i64) -> Instant {
        if days == 0 {
            // Its local time may come twice, and this may be the second time.
            return instant;
        }
        let local = self.local(instant);
        self.instant(plus(local.date(), days.days()).to_datetime(local.time()))
    }

    /// The end of a wait: civil days first, then absolute seconds.
    #[must_use]
    pub fn after(&self, instant: Instant, wait: Wait) -> Instant {
        self.add_days(instant, i64::from(wait.days)).plus_seconds(i64::from(wait.seconds))
    }

    /// The instant so long before another: civil days first, then absolute seconds.
    #[must_use]
    pub fn before(&self, instant: Instant, wait: Wait) -> Instant {
        self.add_days(instant, -i64::from(wait.days)).plus_seconds(-i64::from(wait.seconds))
    }
}

fn seconds_into_hour(local: DateTime) -> i64 {
    i64::from(local.minute()) * 60 + i64::from(local.second())
}

fn plus(date: Date, span: Span) -> Date {
    // The calendar ends in the year 9999, instants in 2500 and terms after a century: it saturates in theory only.
    date.saturating_add(span)
}

/// A local date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

impl Day {
    /// The date so many days later, or earlier when negative.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        Self(plus(self.0, days.days()))
    }

    /// How many dates it is after another.
    #[must_use]
    pub fn days_since(self, earlier: Self) -> i64 {
        self.0.duration_since(earlier.0).as_hours() / 24
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
