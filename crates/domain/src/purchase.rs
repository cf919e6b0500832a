//! Buying resources and licenses (B-1 to B-4, B-7).

use serde::{Deserialize, Serialize};

use crate::account::Shortfall;
use crate::activation::{NewLicense, UNITS_MAX, activate, add_bonus};
use crate::calendar::Unit;
use crate::catalog::{Code, Product, Term};
use crate::draft::{Document, Draft, Unpayable, Waiting};
use crate::event::{Body, Subject};
use crate::holding::HoldingId;
use crate::id::{LicenseId, OrderId, ResourceId};
use crate::license::{Kind, Source, Subscription};
use crate::money::{Amount, AmountTooLarge, Currency};
use crate::order::{Line, Order, OrderKind, OrderState, Sold, Trigger};
use crate::payment::{Card, Cause};
use crate::pricing::Rate;
use crate::renewal::{Length, terms_max};
use crate::resource::{Overdue, Resource, Run, State};
use crate::time::{Instant, Period};

/// What a customer buys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// The product.
    pub product: Code,
    /// One of its plans.
    pub plan: Code,
    /// How many units.
    pub quantity: u32,
    /// For how long.
    pub length: Length,
    /// A JSON object in the customer's words, kept as it is.
    pub configuration: String,
    /// The switch; on by default for a resource (B-7), a choice for a DR license (B-1).
    pub auto_renew: Option<bool>,
    /// The version of the terms that the customer agreed to (B-2).
    pub terms_version: Option<String>,
}

/// The most units of one resource; a license has at most [`UNITS_MAX`].
pub const QUANTITY_MAX: u32 = 1_000_000;

/// Why nothing was bought.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PurchaseRefusal {
    /// No such product.
    #[error("there is no product {product}")]
    UnknownProduct {
        /// The code that was given.
        product: Code,
    },
    /// No such plan.
    #[error("the product has no plan {plan}")]
    UnknownPlan {
        /// The code that was given.
        plan: Code,
    },
    /// B-2: a license is sold with the consent to its terms.
    #[error("a license needs the customer's consent: the version of the terms that were accepted")]
    ConsentRequired,
    /// B-1: the switch of a DR license is the customer's choice.
    #[error("a DR license needs a choice: auto_renew true or false")]
    AutoRenewRequired,
    /// L-4: a failback license expires by itself.
    #[error("a failback license does not renew")]
    AutoRenewNotSupported,
    /// R-5: the term of a license is never aligned.
    #[error("a license lasts for whole terms")]
    NotAligned,
    /// A license has nothing to configure.
    #[error("a license has no configuration")]
    NotConfigurable,
    /// No price is in force for purchases yet (P-5).
    #[error("the plan {plan} is not on sale before {from:?}")]
    NotOnSale {
        /// The plan.
        plan: Code,
        /// When its first price comes into force.
        from: Instant,
    },
    /// The plan's currency is not the account's.
    #[error("the plan is sold in {plan}, the account holds {account}")]
    OtherCurrency {
        /// The plan's.
        plan: Currency,
        /// The account's.
        account: Currency,
    },
    /// No units, or too many.
    #[error("the quantity is between 1 and {max}")]
    QuantityOutOfRange {
        /// The most units.
        max: u32,
    },
    /// No terms, or more than a century.
    #[error("the number of terms is between 1 and {max}")]
    TermsOutOfRange {
        /// The most terms of this plan.
        max: u32,
    },
    /// B-7: only monthly plans run to the month's end.
    #[error("only a monthly plan can run to the month's end")]
    NotMonthly,
    /// B-4.
    #[error(transparent)]
    InsufficientBalance(#[from] Shortfall),
    /// The price does not fit the books.
    #[error(transparent)]
    AmountTooLarge(#[from] AmountTooLarge),
}

/// Buys a resource or a license: order, ledger entry and what was bought at once, or a refusal and nothing (B-4).
///
/// ```
/// # use testkit::rules::{Life, books, purchase};
/// # use domain::{purchase::Purchase, renewal::Length};
/// let mut life = Life::new(books("Asia/Shanghai", "uhost/monthly month 1 30000 CNY"), "2025-06-10 09:15:00");
/// life.credit(20_615);
/// // To the end of the month it costs that part of the month (B-7, P-2).
/// let uhost = life.buy(Purchase { length: Length::MonthEnd, ..purchase("uhost/monthly") }).unwrap();
/// assert_eq!(life.show(life.resource(uhost).expires_at), "2025-07-01 00:00:00");
/// assert_eq!(life.cash(), 0);
/// ```
///
/// A license starts when it is paid and brings its bonus in the same change set (L-2, L-3):
///
/// ```
/// # use testkit::rules::{Life, books, license_purchase};
/// let mut life = Life::new(books("Asia/Shanghai", "dr/monthly month 1 7500 USD dr"), "2025-06-30 15:30:27");
/// life.credit(75_000);
/// let dr = life.buy_license(license_purchase("dr/monthly", 10)).unwrap();
/// assert_eq!(life.show(life.license(dr).expires_at), "2025-07-30 15:30:27");
/// assert_eq!(life.licenses().len(), 2);
/// ```
///
/// # Errors
/// [`PurchaseRefusal`].
pub fn buy(draft: &mut Draft<'_>, purchase: Purchase, trigger: Trigger) -> Result<Order, PurchaseRefusal> {
    let deal = deal(draft, &purchase)?;
    match deal.product.kind.license() {
        None => buy_resource(draft, purchase, &deal, trigger),
        Some(kind) => buy_license(draft, purchase, &deal, kind, trigger),
    }
}

/// An order closes when it was not paid for so long, in seconds (B-3).
pub(crate) const PAYMENT_SECONDS: i64 = 30 * 60;

/// Orders something that is paid on the payment platform (B-3): the order waits, and nothing else happens. What costs
/// nothing is bought at once (P-4).
///
/// # Errors
/// [`PurchaseRefusal`], never for lack of money.
pub fn order(draft: &mut Draft<'_>, purchase: Purchase, trigger: Trigger) -> Result<Order, PurchaseRefusal> {
    let deal = deal(draft, &purchase)?;
    if deal.line.amount == Amount::ZERO {
        return buy(draft, purchase, trigger);
    }
    let now = draft.now;
    let document = deal.document(&purchase, trigger, now, None);
    let (closes_at, cause) = (now.plus_seconds(PAYMENT_SECONDS), Cause::Purchase(purchase));
    Ok(draft.await_payment(document, Waiting { closes_at, closes_itself: true, cause }))
}

/// What was ordered and is paid now takes effect now (B-3, L-2); the order costs what it said. `None`: it cannot take the
/// money any more. Late money buys it only at an unchanged price (B-6).
pub(crate) fn fulfil(
    draft: &mut Draft<'_>,
    order: &Order,
    purchase: &Purchase,
    is_late: bool,
    card: Option<Card>,
) -> Option<Order> {
    let now = draft.now;
    let offering = draft.books.catalog.offering(purchase.product)?;
    let plan = offering.plan(purchase.plan)?;
    let [ordered] = &order.lines[..] else { return None };
    if is_late && plan.price_for_purchase(now) != Some(ordered.price) {
        return None;
    }
    let (period, run, terms) = paid_period(ordered, purchase.length, now, draft)?;
    let line = Line { period, ..*ordered };
    let deal = Deal { product: offering.product().clone(), line, run, terms, term: ordered.term };
    let kind = deal.product.kind.license();
    let holding = match kind {
        None => HoldingId::Resource(draft.next_id()),
        Some(_) => HoldingId::License(draft.next_id()),
    };
    let order = Order {
        state: OrderState::Completed,
        completed_at: Some(now),
        resource_id: holding.resource(),
        license_id: holding.license(),
        lines: vec![line],
        period: Some(period),
        ..order.clone()
    };
    draft.complete_order(order.clone());
    match (holding, kind) {
        (HoldingId::License(id), Some(kind)) => {
            let card = card.filter(|_| kind == Kind::Dr && purchase.auto_renew == Some(true));
            add_license(draft, id, purchase, &deal, (kind, order.id, card));
        }
        (HoldingId::Resource(id), _) => add_resource(draft, id, purchase.clone(), &deal, order.id),
        (HoldingId::License(_), None) => unreachable!("what is a license is one of a kind"),
    }
    Some(order)
}

/// Full terms start when they are paid. A part of a month was ordered by the second, so it starts when it was ordered; once
/// that month is over there is nothing left of it.
fn paid_period(ordered: &Line, length: Length, now: Instant, draft: &Draft<'_>) -> Option<(Period, Run, u32)> {
    let unit = ordered.term.unit;
    match length {
        Length::Terms(n_terms) => {
            let run = Run { unit, anchor: now, count: n_terms * ordered.term.count };
            let period = Period::new(now, draft.books.zone.add(now, run.unit, run.count))?;
            (period.end < Instant::MAX).then_some((period, run, n_terms))
        }
        Length::MonthEnd => {
            let period = ordered.period;
            (now < period.end).then_some((period, Run { unit, anchor: period.end, count: 0 }, 1))
        }
    }
}

/// A purchase that the catalog allows, and its price.
struct Deal {
    product: Product,
    line: Line,
    run: Run,
    terms: u32,
    term: Term,
}

impl Deal {
    fn document(&self, purchase: &Purchase, trigger: Trigger, at: Instant, holding: Option<HoldingId>) -> Document {
        Document {
            kind: OrderKind::Purchase,
            trigger,
            at,
            holding,
            sold: Some(Sold { product: purchase.product, plan: purchase.plan }),
            lines: vec![self.line],
            amount: self.line.amount,
            terms_version: purchase.terms_version.clone(),
        }
    }
}

fn deal(draft: &Draft<'_>, purchase: &Purchase) -> Result<Deal, PurchaseRefusal> {
    let (books, now) = (draft.books, draft.now);
    let Purchase { product, plan: plan_code, quantity, length, .. } = *purchase;
    let offering = books.catalog.offering(product).ok_or(PurchaseRefusal::UnknownProduct { product })?;
    let product = offering.product().clone();
    let plan = offering.plan(plan_code).ok_or(PurchaseRefusal::UnknownPlan { plan: plan_code })?;
    if let Some(kind) = product.kind.license() {
        check_license(purchase, kind)?;
    }
    let account_currency = draft.account().currency;
    if plan.currency != account_currency {
        return Err(PurchaseRefusal::OtherCurrency { plan: plan.currency, account: account_currency });
    }
    let max = if product.kind.license().is_some() { UNITS_MAX } else { QUANTITY_MAX };
    if quantity == 0 || quantity > max {
        return Err(PurchaseRefusal::QuantityOutOfRange { max });
    }
    let price = plan.price_for_purchase(now).ok_or_else(|| {
        let from = plan.prices.first().expect("a plan has a price").effective_from;
        PurchaseRefusal::NotOnSale { plan: plan_code, from }
    })?;
    let rate = Rate { price, term: plan.term, quantity };
    let (line, run, terms) = first_period(rate, length, now, draft)?;
    Ok(Deal { product, line, run, terms, term: plan.term })
}

/// What a license asks of its buyer besides the quantity (B-1, B-2, L-4).
fn check_license(purchase: &Purchase, kind: Kind) -> Result<(), PurchaseRefusal> {
    if purchase.terms_version.is_none() {
        return Err(PurchaseRefusal::ConsentRequired);
    }
    if purchase.length == Length::MonthEnd {
        return Err(PurchaseRefusal::NotAligned);
    }
    if purchase.configuration != "{}" {
        return Err(PurchaseRefusal::NotConfigurable);
    }
    // B-1: a failback license is bought with its quantity only.
    if kind == Kind::Failback && purchase.length != Length::Terms(1) {
        return Err(PurchaseRefusal::TermsOutOfRange { max: 1 });
    }
    match (kind, purchase.auto_renew) {
        (Kind::Dr, None) => Err(PurchaseRefusal::AutoRenewRequired),
        (Kind::Failback, Some(true)) => Err(PurchaseRefusal::AutoRenewNotSupported),
        (Kind::Dr, Some(_)) | (Kind::Failback, Some(false) | None) => Ok(()),
    }
}

fn pay(draft: &mut Draft<'_>, document: Document) -> Result<Order, PurchaseRefusal> {
    draft.pay(document).map_err(|unpayable| match unpayable {
        Unpayable::Shortfall(shortfall) => PurchaseRefusal::InsufficientBalance(shortfall),
        Unpayable::AmountTooLarge(too_large) => PurchaseRefusal::AmountTooLarge(too_large),
    })
}

fn buy_resource(
    draft: &mut Draft<'_>,
    purchase: Purchase,
    deal: &Deal,
    trigger: Trigger,
) -> Result<Order, PurchaseRefusal> {
    let now = draft.now;
    let id = draft.next_id();
    let order = pay(draft, deal.document(&purchase, trigger, now, Some(HoldingId::Resource(id))))?;
    add_resource(draft, id, purchase, deal, order.id);
    Ok(order)
}

fn add_resource(draft: &mut Draft<'_>, id: ResourceId, purchase: Purchase, deal: &Deal, order_id: OrderId) {
    let Period { start, end } = deal.line.period;
    let resource = Resource {
        id,
        account_id: draft.account().id,
        product: purchase.product,
        product_version: deal.product.version,
        plan: purchase.plan,
        terms: deal.terms,
        quantity: purchase.quantity,
        configuration: purchase.configuration,
        auto_renew: purchase.auto_renew.unwrap_or(true),
        state: State::Active,
        started_at: start,
        term_started_at: start,
        expires_at: end,
        run: deal.run,
        overdue: Overdue::default(),
        ended_at: None,
    };
    let body = Body::ResourceActivated { order_id, expires_at: resource.expires_at };
    draft.tell(draft.now, Subject::Resource(id), body);
    draft.add_resource(resource);
}

/// L-2, L-3: the license starts now, and so does what comes free with it.
fn buy_license(
    draft: &mut Draft<'_>,
    purchase: Purchase,
    deal: &Deal,
    kind: Kind,
    trigger: Trigger,
) -> Result<Order, PurchaseRefusal> {
    let now = draft.now;
    let id = draft.next_id();
    let order = pay(draft, deal.document(&purchase, trigger, now, Some(HoldingId::License(id))))?;
    add_license(draft, id, &purchase, deal, (kind, order.id, None));
    Ok(order)
}

fn add_license(
    draft: &mut Draft<'_>,
    id: LicenseId,
    purchase: &Purchase,
    deal: &Deal,
    (kind, order_id, card): (Kind, OrderId, Option<Card>),
) {
    let Purchase { product, plan, quantity: total, auto_renew, .. } = *purchase;
    let (product_version, terms) = (deal.product.version, deal.terms);
    let license = NewLicense {
        kind,
        source: Source::Purchase,
        subscription: Some(Subscription { product, product_version, plan, terms }),
        total,
        auto_renew: auto_renew.unwrap_or(false),
        term: deal.term,
        n_terms: terms,
        period: deal.line.period,
        parent_id: None,
        order_id: Some(order_id),
        code_id: None,
        reason: None,
        card,
    };
    let license = activate(draft, id, license);
    if kind == Kind::Dr {
        add_bonus(draft, &license, deal.term, terms);
    }
}

/// The first period, its run and the stored number of terms. To the month's end is one term (B-7).
fn first_period(
    rate: Rate,
    length: Length,
    now: Instant,
    draft: &Draft<'_>,
) -> Result<(Line, Run, u32), PurchaseRefusal> {
    let (zone, term) = (draft.books.zone, rate.term);
    let max = terms_max(term);
    let out_of_range = PurchaseRefusal::TermsOutOfRange { max };
    let before_the_end = |end| Period::new(now, end).filter(|period| period.end < Instant::MAX);
    match length {
        Length::Terms(n_terms) if n_terms == 0 || n_terms > max => Err(out_of_range),
        Length::Terms(n_terms) => {
            let run = Run { unit: term.unit, anchor: now, count: n_terms * term.count };
            let period = before_the_end(zone.add(now, run.unit, run.count)).ok_or(out_of_range)?;
            Ok((rate.full(period, n_terms)?, run, n_terms))
        }
        Length::MonthEnd if term.unit == Unit::Month => {
            let period = before_the_end(zone.month_around(now).end).ok_or(out_of_range)?;
            let run = Run { unit: term.unit, anchor: period.end, count: 0 };
            Ok((rate.part(period, now, zone)?, run, 1))
        }
        Length::MonthEnd => Err(PurchaseRefusal::NotMonthly),
    }
}
