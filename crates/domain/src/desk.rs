//! What operators and customers do to an account besides buying and renewing: money in, money set aside, the switch,
//! deletion.

use crate::account::{Account, Shortfall};
use crate::change::Freeze;
use crate::draft::{Document, Draft, Movement};
use crate::due::{self, moved};
use crate::event::{Body, Subject};
use crate::ledger::{Entry, EntryReason, Postings};
use crate::money::{Amount, AmountTooLarge};
use crate::order::{Order, OrderKind, Sold, Trigger};
use crate::renewal::wants_attempt;
use crate::resource::{Input, Resource, State};

/// The kind of money that is credited (W-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreditKind {
    /// The customer's money, received outside.
    Cash,
    /// A present of the vendor.
    Gift,
}

/// Why money was not moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WalletRefusal {
    /// Nothing or less.
    #[error("the amount must be above zero")]
    NotPositive,
    /// It does not fit the books.
    #[error(transparent)]
    AmountTooLarge(#[from] AmountTooLarge),
    /// More would be set aside than is available.
    #[error(transparent)]
    InsufficientBalance(#[from] Shortfall),
    /// The used credit and the frozen money would not be covered any more (W-1).
    #[error("a credit limit of {credit_limit} is less than what is in use; it must be at least {needed}")]
    CreditInUse {
        /// The limit that was asked for.
        credit_limit: Amount,
        /// The lowest limit that covers what is in use.
        needed: Amount,
    },
}

/// Books money that came in, and uses it: waiting renewals are tried at once (R-2, W-3).
///
/// # Errors
/// [`WalletRefusal`].
pub fn credit(
    draft: &mut Draft<'_>,
    amount: Amount,
    kind: CreditKind,
    reference: Option<String>,
) -> Result<Entry, WalletRefusal> {
    if amount <= Amount::ZERO {
        return Err(WalletRefusal::NotPositive);
    }
    let postings = match kind {
        CreditKind::Cash => Postings::funded(amount),
        CreditKind::Gift => Postings::given(amount),
    };
    let at = draft.now;
    let entry = draft.post(Movement {
        at,
        reason: EntryReason::Credit,
        postings,
        order_id: None,
        reference,
        payment_id: None,
    })?;
    due::attempt_all(draft);
    Ok(entry)
}

/// Sets money aside (W-1).
///
/// # Errors
/// [`WalletRefusal`].
pub fn freeze(draft: &mut Draft<'_>, amount: Amount, reason: String) -> Result<Freeze, WalletRefusal> {
    if amount <= Amount::ZERO {
        return Err(WalletRefusal::NotPositive);
    }
    let available = draft.wallet().available();
    if available < amount {
        return Err(Shortfall { price: amount, available }.into());
    }
    let frozen = draft.wallet().frozen.plus(amount)?;
    let (id, account_id, created_at) = (draft.next_id(), draft.account().id, draft.now);
    let freeze = Freeze { id, account_id, amount, reason, created_at, lifted_at: None };
    draft.set_freeze(freeze.clone(), frozen);
    Ok(freeze)
}

/// Frees the money of the draft's freeze and uses it. `None` when there is no such freeze; lifting again changes
/// nothing.
#[must_use]
pub fn lift_freeze(draft: &mut Draft<'_>) -> Option<Freeze> {
    let mut freeze = draft.freeze()?.clone();
    if freeze.lifted_at.is_none() {
        freeze.lifted_at = Some(draft.now);
        let frozen = draft.wallet().frozen.minus(freeze.amount).expect("the sum of freezes holds each of them");
        draft.set_freeze(freeze.clone(), frozen);
        due::attempt_all(draft);
    }
    Some(freeze)
}

/// What an operator changes of an account; what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountEdit {
    /// What people call it.
    pub name: Option<String>,
    /// Where messages go.
    pub email: Option<String>,
    /// How far cash may go below zero.
    pub credit_limit: Option<Amount>,
}

/// Changes an account. A higher credit limit is used at once.
///
/// # Errors
/// [`WalletRefusal::CreditInUse`].
pub fn edit_account(draft: &mut Draft<'_>, edit: AccountEdit) -> Result<(), WalletRefusal> {
    let current = draft.account().clone();
    let name = edit.name.unwrap_or_else(|| current.name.clone());
    let email = edit.email.unwrap_or_else(|| current.email.clone());
    if let Some(credit_limit) = edit.credit_limit {
        let wallet = *draft.wallet();
        // Cash below zero is used credit, also where gift money would cover it.
        let in_use = wallet.cash.negated().max(wallet.credit_limit.minus(wallet.available())?);
        let needed = in_use.max(Amount::ZERO);
        if credit_limit < needed && credit_limit < wallet.credit_limit {
            return Err(WalletRefusal::CreditInUse { credit_limit, needed });
        }
        draft.set_credit_limit(credit_limit);
        if credit_limit > wallet.credit_limit {
            due::attempt_all(draft);
        }
    }
    draft.set_account(Account { name, email, ..current });
    Ok(())
}

/// Nothing can be done to what has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResourceRefusal {
    /// Released or deleted.
    #[error("the resource is {}", state.name())]
    Ended {
        /// Which of the two.
        state: State,
    },
    /// C-7: paid for until its expiry.
    #[error("an active resource cannot be deleted; turn its automatic renewal off and let it expire")]
    Active,
}

/// Turns the switch. On makes an attempt at once where one is possible; off stops all attempts.
///
/// # Errors
/// [`ResourceRefusal::Ended`].
pub fn switch(draft: &mut Draft<'_>, index: usize, auto_renew: bool) -> Result<(), ResourceRefusal> {
    let before = draft.resource(index);
    if before.state.is_final() {
        return Err(ResourceRefusal::Ended { state: before.state });
    }
    if before.auto_renew == auto_renew {
        return Ok(());
    }
    let now = draft.now;
    let mut after = Resource { auto_renew, ..before.clone() };
    let policy = draft.books.policy(&after);
    if !policy.release_when_off {
        // A warning of a release that the switch called off is no warning of a later one (C-5).
        after.overdue.release_warned_at = None;
    }
    after.overdue.switched_on_at = auto_renew.then_some(now);
    let subject = Subject::Resource(after.id);
    let tries_now = wants_attempt(&after, &policy, now);
    draft.set_resource(index, after);
    draft.tell(now, subject, Body::AutoRenewChanged { auto_renew });
    if tries_now {
        due::attempt_now(draft, index);
    }
    Ok(())
}

/// C-7: the customer deletes what has expired; its arrears no longer matter (C-3); a deletion order of zero stays.
///
/// # Errors
/// [`ResourceRefusal`].
pub fn delete(draft: &mut Draft<'_>, index: usize, trigger: Trigger) -> Result<Order, ResourceRefusal> {
    let before = draft.resource(index).clone();
    match before.state {
        State::Active => return Err(ResourceRefusal::Active),
        State::Released | State::Deleted => return Err(ResourceRefusal::Ended { state: before.state }),
        State::Expired | State::Suspended => {}
    }
    let now = draft.now;
    let order = draft.pay(Document {
        kind: OrderKind::Deletion,
        trigger,
        at: now,
        holding: Some(before.id.into()),
        sold: Some(Sold { product: before.product, plan: before.plan }),
        lines: Vec::new(),
        amount: Amount::ZERO,
        terms_version: None,
    });
    let order = order.expect("an order of zero is always payable");
    draft.revoke_arrears(before.id, Some(order.id), now);
    let after = Resource { ended_at: Some(now), ..moved(&before, Input::Delete) };
    draft.tell(now, Subject::Resource(after.id), Body::ResourceDeleted { order_id: order.id });
    draft.set_resource(index, after);
    Ok(order)
}
