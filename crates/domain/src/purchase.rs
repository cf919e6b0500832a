//! Buying a resource out of the wallet (B-4, B-7).

use crate::account::Shortfall;
use crate::calendar::Unit;
use crate::catalog::{Code, ProductKind};
use crate::change::{Document, Draft, Unpayable};
use crate::event::{Body, Subject};
use crate::money::{AmountTooLarge, Currency};
use crate::order::{Line, Order, OrderKind, Sold, Trigger};
use crate::pricing::Rate;
use crate::renewal::{Length, terms_max};
use crate::resource::{Overdue, Resource, Run, State};
use crate::time::{Instant, Period};

/// What a customer buys.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// The switch; on by default (B-7).
    pub auto_renew: Option<bool>,
    /// The version of the terms that the customer agreed to (B-2).
    pub terms_version: Option<String>,
}

/// The most units of one resource.
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
    /// A license is not a resource.
    #[error("licenses are not sold by this version")]
    NotAResource,
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

/// Buys a resource: order, ledger entry and resource at once, or a refusal and nothing (B-4).
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
/// # Errors
/// [`PurchaseRefusal`].
pub fn buy(draft: &mut Draft<'_>, purchase: Purchase, trigger: Trigger) -> Result<Order, PurchaseRefusal> {
    let (books, now) = (draft.books, draft.now);
    let Purchase { product, plan: plan_code, quantity, length, configuration, auto_renew, terms_version } = purchase;
    let offering = books.catalog.offering(product).ok_or(PurchaseRefusal::UnknownProduct { product })?;
    if offering.product().kind != ProductKind::Resource {
        return Err(PurchaseRefusal::NotAResource);
    }
    let plan = offering.plan(plan_code).ok_or(PurchaseRefusal::UnknownPlan { plan: plan_code })?;
    let account_currency = draft.account().currency;
    if plan.currency != account_currency {
        return Err(PurchaseRefusal::OtherCurrency { plan: plan.currency, account: account_currency });
    }
    if quantity == 0 || quantity > QUANTITY_MAX {
        return Err(PurchaseRefusal::QuantityOutOfRange { max: QUANTITY_MAX });
    }
    let price = plan.price_for_purchase(now).ok_or_else(|| {
        let from = plan.prices.first().expect("a plan has a price").effective_from;
        PurchaseRefusal::NotOnSale { plan: plan_code, from }
    })?;
    let rate = Rate { price, term: plan.term, quantity };
    let (line, run, terms) = first_period(rate, length, now, draft)?;
    let id = draft.next_id();
    let resource = Resource {
        id,
        account_id: draft.account().id,
        product,
        product_version: offering.product().version,
        plan: plan_code,
        terms,
        quantity,
        configuration,
        auto_renew: auto_renew.unwrap_or(true),
        state: State::Active,
        started_at: now,
        term_started_at: now,
        expires_at: line.period.end,
        run,
        overdue: Overdue::default(),
        ended_at: None,
    };
    let order = draft.pay(Document {
        kind: OrderKind::Purchase,
        trigger,
        at: now,
        resource_id: id,
        sold: Sold { product, plan: plan_code },
        lines: vec![line],
        amount: line.amount,
        terms_version,
    });
    let order = order.map_err(|unpayable| match unpayable {
        Unpayable::Shortfall(shortfall) => PurchaseRefusal::InsufficientBalance(shortfall),
        Unpayable::AmountTooLarge(too_large) => PurchaseRefusal::AmountTooLarge(too_large),
    })?;
    let body = Body::ResourceActivated { order_id: order.id, expires_at: resource.expires_at };
    draft.tell(now, Subject::Resource(id), body);
    draft.add_resource(resource);
    Ok(order)
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
