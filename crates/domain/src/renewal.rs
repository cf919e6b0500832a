//! Renewal: the heart. Who reads only this file understands the product.
//!
//! [`quote`] says what a renewal is: from where to where, in which lines, for how much. [`decide`] says whether it happens.
//! The attempt at the expiry, the daily attempts after it, a manual renewal, its preview and the forecast all call these.

use crate::account::{Shortfall, Wallet};
use crate::calendar::{BillingZone, Unit};
use crate::catalog::{Catalog, Code, Plan, Policy, Term};
use crate::holding::{Holding, Phase};
use crate::license;
use crate::money::{Amount, AmountTooLarge};
use crate::order::Line;
use crate::pricing::{Rate, total};
use crate::resource::{Resource, Run, State};
use crate::time::{Instant, Period};

/// What every rule may look at besides the account: the site zone and the catalog.
#[derive(Debug, Clone, Copy)]
pub struct Books<'a> {
    /// T-2.
    pub zone: &'a BillingZone,
    /// What is sold.
    pub catalog: &'a Catalog,
}

/// Who renews, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// The stored choice, aligned (R-1 to R-7).
    Automatic,
    /// The customer's choice, from the old end (R-10).
    Manual(Choice),
}

/// What a customer chooses at a manual renewal (R-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Another plan of the same product; `None`: the stored one.
    pub plan: Option<Code>,
    /// For how long.
    pub length: Length,
    /// The switch afterwards; `None`: as R-11 says.
    pub auto_renew_after: Option<bool>,
}

/// How long a chosen period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// So many terms of the plan.
    Terms(u32),
    /// To the end of the local month, for monthly plans (B-7).
    MonthEnd,
}

/// A renewal that could be: nothing is paid yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// One line for each cycle (R-7).
    pub lines: Vec<Line>,
    /// What it costs.
    pub amount: Amount,
    /// From the old expiry to the new one.
    pub period: Period,
    /// From where the new end is counted (T-4).
    pub run: Run,
    /// The stored choice afterwards (R-6).
    pub plan: Code,
    /// The stored choice afterwards (R-6).
    pub terms: u32,
    /// The switch afterwards (R-11).
    pub auto_renew: bool,
}

/// Why there is no renewal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenewalRefusal {
    /// R-2, B-4.
    #[error(transparent)]
    InsufficientBalance(#[from] Shortfall),
    /// R-13.
    #[error("a resource of this product is renewed before its expiry or not at all")]
    NotRenewableAfterExpiry,
    /// Released or deleted.
    #[error("the resource is {}", state.name())]
    Ended {
        /// Which of the two.
        state: State,
    },
    /// A license that has ended is not renewable (L-7).
    #[error("the license is {}", state.name())]
    LicenseEnded {
        /// How it ended.
        state: license::State,
    },
    /// R-10: the result would not reach past now.
    #[error("the renewal would end in the past; it needs at least {needs_at_least} terms")]
    TermTooShort {
        /// The smallest number of terms that reaches past now.
        needs_at_least: u32,
    },
    /// No terms, or more than a century.
    #[error("the number of terms is between 1 and {max}")]
    TermsOutOfRange {
        /// The most terms of this plan.
        max: u32,
    },
    /// The plan is not one of the product.
    #[error("the product has no plan {plan}")]
    UnknownPlan {
        /// The plan.
        plan: Code,
    },
    /// Another plan, which is not sold yet (P-5).
    #[error("the plan {plan} is not on sale yet")]
    NotOnSale {
        /// The plan.
        plan: Code,
    },
    /// A plan in another currency than the account's.
    #[error("the plan {plan} is not sold in the currency of the account")]
    OtherCurrency {
        /// The plan.
        plan: Code,
    },
    /// B-7: only monthly plans run to the month's end.
    #[error("only a monthly plan can run to the month's end")]
    NotMonthly,
    /// The price does not fit the books.
    #[error(transparent)]
    AmountTooLarge(#[from] AmountTooLarge),
}

/// The most cycles of one late renewal: eleven years of hours.
const CYCLES_MAX: usize = 100_000;

impl<'a> Books<'a> {
    /// The policy that holds for a holding's current period.
    ///
    /// # Panics
    /// When the catalog does not know its product: what is stored was sold from it.
    #[must_use]
    pub fn policy(&self, holding: impl Into<Holding>) -> Policy {
        let holding: Holding = holding.into();
        let offering = self.catalog.offering(holding.product);
        let product = offering.and_then(|offering| offering.version(holding.product_version));
        let product = product.unwrap_or_else(|| panic!("{}: no product {}", holding.id, holding.product));
        product.policy(self.plan_of(holding).term.unit)
    }

    /// The plan of a holding's stored choice.
    ///
    /// # Panics
    /// As [`Books::policy`].
    #[must_use]
    pub fn plan_of(&self, holding: impl Into<Holding>) -> &'a Plan {
        let holding: Holding = holding.into();
        let plan = self.find_plan(holding.product, holding.plan);
        plan.unwrap_or_else(|| panic!("{}: no plan {}/{}", holding.id, holding.product, holding.plan))
    }

    /// A plan of a product.
    #[must_use]
    pub fn find_plan(&self, product: Code, plan: Code) -> Option<&'a Plan> {
        self.catalog.offering(product)?.plan(plan)
    }

    /// The newest version of a holding's product, which holds from its next renewal on.
    #[must_use]
    pub fn newest_version(&self, holding: impl Into<Holding>) -> u32 {
        let holding: Holding = holding.into();
        let offering = self.catalog.offering(holding.product);
        offering.map_or(holding.product_version, |offering| offering.product().version)
    }
}

/// Whether and how a resource or license renews: the quote, if the wallet covers it.
///
/// ```
/// # use testkit::rules::{books, resource, wallet};
/// # use domain::renewal::{decide, Command};
/// let books = books("Asia/Shanghai", "uhost/monthly month 1 12000 CNY");
/// let uhost = resource(&books, "2019-04-15 17:58:00", "uhost/monthly");
/// // The first automatic renewal of 15 May 2019 17:58 runs to the month's end and costs that part of May (R-3, P-2).
/// let renewal = decide(&uhost, Command::Automatic, &books.books(), &wallet(12_000), uhost.expires_at).unwrap();
/// assert_eq!(books.zone.show(renewal.period.end), "2019-06-01 00:00:00");
/// assert_eq!(renewal.amount.minor(), 6291);
/// // With one unit too little nothing is charged (R-2).
/// assert!(decide(&uhost, Command::Automatic, &books.books(), &wallet(6290), uhost.expires_at).is_err());
/// ```
///
/// # Errors
/// [`RenewalRefusal`].
pub fn decide(
    holding: impl Into<Holding>,
    command: Command,
    books: &Books<'_>,
    wallet: &Wallet,
    now: Instant,
) -> Result<Quote, RenewalRefusal> {
    let quote = quote(holding, command, books, now)?;
    wallet.split(quote.amount)?;
    Ok(quote)
}

/// What renewing at `now` would mean. `now` is the instant at which it is due, also when it is done late (R-14).
///
/// ```
/// # use testkit::rules::{books, resource};
/// # use domain::{renewal::{Command, quote}, resource::Resource};
/// let books = books(
///     "Asia/Shanghai",
///     "uhost/monthly month 1 12000 CNY; uhost/thirty day 30 12000 CNY; gpu/hourly hour 1 100 CNY",
/// );
/// let renew = |of: &Resource| quote(of, Command::Automatic, &books.books(), of.expires_at).unwrap();
/// let end_and_price = |of: &Resource| (books.zone.show(renew(of).period.end), renew(of).amount.minor());
///
/// // To the end of May 2019 first, then by calendar months (R-3).
/// let monthly = resource(&books, "2019-04-15 17:58:00", "uhost/monthly");
/// let aligned = monthly.renewed(&renew(&monthly), 1);
/// assert_eq!(end_and_price(&aligned), ("2019-07-01 00:00:00".to_owned(), 12_000));
/// // 30 days bought on 8 May renew on 7 June for the same price (R-5).
/// let thirty = resource(&books, "2019-05-08 09:30:00", "uhost/thirty");
/// assert_eq!(books.zone.show(thirty.expires_at), "2019-06-07 09:30:00");
/// assert_eq!(end_and_price(&thirty), ("2019-07-07 09:30:00".to_owned(), 12_000));
/// // An hourly resource first renews to the whole hour, for half of the price (R-4).
/// let hourly = resource(&books, "2024-03-10 16:30:00", "gpu/hourly");
/// assert_eq!(end_and_price(&hourly), ("2024-03-10 18:00:00".to_owned(), 50));
/// ```
///
/// # Errors
/// [`RenewalRefusal`], never for lack of money.
pub fn quote(
    holding: impl Into<Holding>,
    command: Command,
    books: &Books<'_>,
    now: Instant,
) -> Result<Quote, RenewalRefusal> {
    let holding: Holding = holding.into();
    match holding.phase {
        Phase::EndedResource(state) => return Err(RenewalRefusal::Ended { state }),
        Phase::EndedLicense(state) => return Err(RenewalRefusal::LicenseEnded { state }),
        Phase::Active | Phase::Overdue => {}
    }
    if books.policy(holding).exempt && now >= holding.expires_at {
        return Err(RenewalRefusal::NotRenewableAfterExpiry);
    }
    match command {
        Command::Automatic => automatic(&holding, books, now),
        Command::Manual(choice) => manual(&holding, choice, books, now),
    }
}

/// R-7: from the old end, with as many cycles as it takes to reach past now.
fn automatic(holding: &Holding, books: &Books<'_>, now: Instant) -> Result<Quote, RenewalRefusal> {
    let plan = books.plan_of(*holding);
    let align = books.policy(*holding).align;
    let rate = rate_at_expiry(holding, plan);
    let mut lines = Vec::new();
    let (mut end, mut run) = (holding.expires_at, holding.run);
    while lines.is_empty() || end <= now {
        let cycle = next_cycle(end, run, align, rate, holding.terms, books.zone)?;
        (end, run) = (cycle.line.period.end, cycle.run);
        lines.push(cycle.line);
        if lines.len() > CYCLES_MAX {
            return Err(RenewalRefusal::TermsOutOfRange { max: terms_max(plan.term) });
        }
    }
    finish(lines, run, holding.plan, holding.terms, holding.auto_renew)
}

struct Cycle {
    line: Line,
    run: Run,
}

/// One automatic cycle: the aligned part when the end is not aligned yet (R-3, R-4), else the stored number of terms.
fn next_cycle(
    end: Instant,
    run: Run,
    align: bool,
    rate: Rate,
    n_terms: u32,
    zone: &BillingZone,
) -> Result<Cycle, RenewalRefusal> {
    let aligned_end = match rate.term.unit {
        Unit::Month if align && !zone.is_month_start(end) => Some(zone.month_around(end).end),
        Unit::Hour if align && !zone.is_whole_hour(end) => Some(zone.next_whole_hour(end)),
        Unit::Hour | Unit::Day | Unit::Month | Unit::Year => None,
    };
    // From a month start it always ends at one, also where the 1st has no midnight and the anchor's wall clock is another.
    let starts_anew = align && rate.term.unit == Unit::Month && !zone.is_month_start(run.anchor);
    let run = if starts_anew { Run { unit: Unit::Month, anchor: end, count: 0 } } else { run };
    match aligned_end {
        Some(aligned_end) => aligned_part(end, aligned_end, rate, zone),
        None => full_terms(end, run, rate, n_terms, zone),
    }
}

/// A part of a term, which breaks the run: what follows is counted from its end.
fn aligned_part(start: Instant, end: Instant, rate: Rate, zone: &BillingZone) -> Result<Cycle, RenewalRefusal> {
    let line = rate.part(period(start, end, rate.term)?, start, zone)?;
    Ok(Cycle { line, run: Run { unit: rate.term.unit, anchor: end, count: 0 } })
}

/// Full terms, counted from the anchor while the unit stays the same (T-4).
fn full_terms(start: Instant, run: Run, rate: Rate, n_terms: u32, zone: &BillingZone) -> Result<Cycle, RenewalRefusal> {
    let run = extend(start, run, rate.term, n_terms)?;
    let end = zone.add(run.anchor, run.unit, run.count);
    let line = rate.full(period(start, end, rate.term)?, n_terms)?;
    Ok(Cycle { line, run })
}

fn extend(start: Instant, run: Run, term: Term, n_terms: u32) -> Result<Run, RenewalRefusal> {
    let max = terms_max(term);
    if n_terms == 0 || n_terms > max {
        return Err(RenewalRefusal::TermsOutOfRange { max });
    }
    let fresh = Run { unit: term.unit, anchor: start, count: 0 };
    let run = if run.unit == term.unit { run } else { fresh };
    let count = run.count.checked_add(n_terms * term.count).ok_or(RenewalRefusal::TermsOutOfRange { max })?;
    Ok(Run { count, ..run })
}

/// R-10: from the old end, as the customer chooses, and past now.
fn manual(holding: &Holding, choice: Choice, books: &Books<'_>, now: Instant) -> Result<Quote, RenewalRefusal> {
    let code = choice.plan.unwrap_or(holding.plan);
    let plan = books.find_plan(holding.product, code).ok_or(RenewalRefusal::UnknownPlan { plan: code })?;
    if plan.currency != books.plan_of(*holding).currency {
        return Err(RenewalRefusal::OtherCurrency { plan: code });
    }
    if code != holding.plan && plan.price_for_purchase(now).is_none() {
        return Err(RenewalRefusal::NotOnSale { plan: code });
    }
    let rate = rate_at_expiry(holding, plan);
    let start = holding.expires_at;
    let (cycle, terms) = match choice.length {
        Length::Terms(n_terms) => (full_terms(start, holding.run, rate, n_terms, books.zone)?, n_terms),
        Length::MonthEnd if plan.term.unit == Unit::Month => {
            // A number of terms says nothing about another plan: 720 hours are not 720 months.
            let terms = if code == holding.plan { holding.terms } else { 1 };
            (aligned_part(start, books.zone.month_around(start).end, rate, books.zone)?, terms)
        }
        Length::MonthEnd => return Err(RenewalRefusal::NotMonthly),
    };
    if cycle.line.period.end <= now {
        let needs_at_least = terms_needed(start, holding.run, plan.term, books.zone, now)?;
        return Err(RenewalRefusal::TermTooShort { needs_at_least });
    }
    // R-11: an hourly resource would be recycled within the hour, so its switch goes on.
    let auto_renew = choice.auto_renew_after.unwrap_or(holding.auto_renew || plan.term.unit == Unit::Hour);
    finish(vec![cycle.line], cycle.run, code, terms, auto_renew)
}

/// The smallest number of terms from `start` that ends after `now`.
fn terms_needed(start: Instant, run: Run, term: Term, zone: &BillingZone, now: Instant) -> Result<u32, RenewalRefusal> {
    let (mut low, mut high) = (1, terms_max(term));
    while low < high {
        let middle = low.midpoint(high);
        let run = extend(start, run, term, middle)?;
        if zone.add(run.anchor, run.unit, run.count) > now {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

fn finish(lines: Vec<Line>, run: Run, plan: Code, terms: u32, auto_renew: bool) -> Result<Quote, RenewalRefusal> {
    let (first, last) = (lines.first().zip(lines.last())).expect("a renewal has a cycle");
    let period = Period { start: first.period.start, end: last.period.end };
    Ok(Quote { amount: total(&lines)?, period, lines, run, plan, terms, auto_renew })
}

/// P-5: the price in force for renewals at the old expiry, for all lines of a late renewal.
fn rate_at_expiry(holding: &Holding, plan: &Plan) -> Rate {
    let price = plan.price_for_renewal(holding.expires_at);
    Rate { price, term: plan.term, quantity: holding.quantity }
}

fn period(start: Instant, end: Instant, term: Term) -> Result<Period, RenewalRefusal> {
    // Only at the end of the calendar is there no time left to sell.
    let max = terms_max(term);
    let period = Period::new(start, end).filter(|period| period.end < Instant::MAX);
    period.ok_or(RenewalRefusal::TermsOutOfRange { max })
}

/// The most terms of a plan that one renewal or purchase may have.
#[must_use]
pub fn terms_max(term: Term) -> u32 {
    (term.unit.count_max() / term.count.max(1)).max(1)
}

impl Resource {
    /// The resource after a paid renewal: active, with nothing overdue.
    #[must_use]
    pub fn renewed(&self, quote: &Quote, product_version: u32) -> Self {
        let state = self.state.apply(crate::resource::Input::Renew).expect("a quote is not made for what has ended");
        Self {
            state,
            product_version,
            plan: quote.plan,
            terms: quote.terms,
            auto_renew: quote.auto_renew,
            term_started_at: quote.period.start,
            expires_at: quote.period.end,
            run: quote.run,
            overdue: crate::resource::Overdue::default(),
            ..self.clone()
        }
    }
}

/// When the next attempt to renew is due by itself, if any.
///
/// At the expiry, then every day at its local time (R-1, R-2). An exempt product: hourly in the 24 hours before its
/// expiry (R-13). Never with the switch off (R-12).
#[must_use]
pub fn next_attempt_at(holding: impl Into<Holding>, policy: &Policy, zone: &BillingZone) -> Option<Instant> {
    let holding: Holding = holding.into();
    if !holding.auto_renew || holding.phase.is_final() {
        return None;
    }
    if policy.exempt { next_exempt_attempt(&holding) } else { Some(next_daily_attempt(&holding, zone)) }
}

pub(crate) fn next_daily_attempt(holding: &Holding, zone: &BillingZone) -> Instant {
    let expiry = holding.expires_at;
    let Some(attempted_at) = holding.attempted_at.filter(|at| *at >= expiry) else {
        return expiry;
    };
    let n_days = attempted_at.seconds_since(expiry) / 86_400;
    // The civil day may have 23 or 25 hours, so the day found by division is one off at most.
    let candidates = (n_days - 1).max(0)..n_days + 3;
    let mut series = candidates.map(|k| zone.add_days(expiry, k));
    series.find(|at| *at > attempted_at).expect("one of the next days is later")
}

/// The first instant at which an exempt resource is tried: 24 hours before its expiry, and within its current period.
fn exempt_window_start(holding: &Holding) -> Instant {
    holding.expires_at.plus_seconds(-24 * 3600).max(holding.term_started_at)
}

fn next_exempt_attempt(holding: &Holding) -> Option<Instant> {
    // Once it has expired, an attempt that was not made then is not made any more: the switch may be turned on later.
    if holding.phase != Phase::Active {
        return None;
    }
    let first = exempt_window_start(holding);
    let next = match holding.attempted_at.filter(|at| *at >= first) {
        None => first,
        Some(attempted_at) => first.plus_seconds((attempted_at.seconds_since(first) / 3600 + 1) * 3600),
    };
    (next < holding.expires_at).then_some(next)
}

/// Whether money or the switch makes an attempt at once (R-2): past the expiry, or in an exempt product's last day (R-13).
#[must_use]
pub fn wants_attempt(holding: impl Into<Holding>, policy: &Policy, now: Instant) -> bool {
    let holding: Holding = holding.into();
    if !holding.auto_renew || holding.phase.is_final() {
        return false;
    }
    let expired = holding.expires_at <= now;
    if policy.exempt { !expired && exempt_window_start(&holding) <= now } else { expired }
}
