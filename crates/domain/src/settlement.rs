//! Settling: what becomes of an order, and of money, when a payment platform has said how a payment stands (B-3, B-6).
//!
//! There is one path, [`settle`]: a notice, a browser that comes back, a button, the reconciliation and the operator all
//! lead to it. It is safe to repeat, in any order. Money that came is booked once: to its order, into the wallet, or held.

use crate::activation::{Intervention, intervene};
use crate::change::Pending;
use crate::draft::{Document, Draft, Movement, Waiting};
use crate::due::{self, Charge};
use crate::event::{Body, Subject};
use crate::id::{OrderId, PaymentId};
use crate::ledger::{Entry, EntryReason, Postings};
use crate::money::{Amount, AmountTooLarge, Currency};
use crate::order::{Order, OrderKind, OrderState, Trigger};
use crate::payment::{
    Applied, Bill, Card, Cause, Finding, Input, Means, Mismatch, Payment, PaymentMethod, PlatformName, Receipt,
    SavedMethod, State, Unapplied, UnappliedState, next_look,
};
use crate::purchase::{self, PAYMENT_SECONDS};
use crate::time::Instant;

/// Money that comes so long after its order closed still buys what was ordered, in seconds (B-6).
const LATE_SECONDS: i64 = 24 * 3600;

/// When an order can be paid no longer, the platform has so long to say how it stands before the order closes without it.
const PATIENCE_SECONDS: i64 = 600;

/// How long a payer has to finish by hand what a saved payment method did not do alone, in seconds.
const PAYER_SECONDS: i64 = 23 * 3600;

/// How long a bank transfer may take.
const TRANSFER_SECONDS: i64 = 14 * 86_400;

/// A charge that the platform does not know after so many seconds was never made.
const MISSING_SECONDS: i64 = 120;

/// Why there is no payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PaymentRefusal {
    /// There is no such order on a payment platform.
    #[error("there is no such order to pay")]
    UnknownOrder,
    /// It was paid.
    #[error("the order is paid")]
    AlreadyPaid,
    /// It was not paid in time.
    #[error("the order is closed")]
    Closed,
    /// Another platform is asked for its money; the two would be paid twice.
    #[error("the order waits for a payment on another platform")]
    OtherPlatform {
        /// The payment.
        payment_id: PaymentId,
    },
    /// There is no such payment.
    #[error("there is no such payment")]
    UnknownPayment,
    /// The amount is not within the limits.
    #[error("a recharge is between {min} and {max}")]
    RechargeOutOfRange {
        /// At least.
        min: Amount,
        /// At most.
        max: Amount,
    },
    /// Only a bank transfer is confirmed by hand.
    #[error("only a bank transfer is confirmed by hand")]
    NotATransfer,
    /// There is no such unapplied money.
    #[error("there is no such money")]
    UnknownUnapplied,
    /// It went to somebody or back.
    #[error("this money is no longer held: it is {}", state.name())]
    NotHeld {
        /// Where it is.
        state: UnappliedState,
    },
    /// The wallet has another currency.
    #[error("the money is in {money}, the account holds {account}")]
    OtherCurrency {
        /// Of the money.
        money: Currency,
        /// Of the account.
        account: Currency,
    },
    /// It does not fit the books.
    #[error(transparent)]
    AmountTooLarge(#[from] AmountTooLarge),
}

/// An order to put money into the wallet (W-3); it waits to be paid on a platform.
///
/// # Errors
/// [`PaymentRefusal::RechargeOutOfRange`].
pub fn recharge(
    draft: &mut Draft<'_>,
    amount: Amount,
    (min, max): (Amount, Amount),
    trigger: Trigger,
) -> Result<Order, PaymentRefusal> {
    if amount < min || amount > max {
        return Err(PaymentRefusal::RechargeOutOfRange { min, max });
    }
    let at = draft.now;
    let document = Document {
        kind: OrderKind::Recharge,
        trigger,
        at,
        holding: None,
        sold: None,
        lines: Vec::new(),
        amount,
        terms_version: None,
    };
    let waiting = Waiting { closes_at: at.plus_seconds(PAYMENT_SECONDS), closes_itself: true, cause: Cause::Recharge };
    Ok(draft.await_payment(document, waiting))
}

/// Begins to ask a buyer for the money of the draft's order. The payment is stored before the platform hears of it. While one
/// may still bring money there is no other: it is given again.
///
/// # Errors
/// [`PaymentRefusal`].
pub fn begin(draft: &mut Draft<'_>, platform: PlatformName, is_live: bool) -> Result<Payment, PaymentRefusal> {
    let bill = draft.bill().ok_or(PaymentRefusal::UnknownOrder)?.clone();
    match bill.order.state {
        OrderState::PendingPayment if draft.now < bill.closes_at => {}
        OrderState::Completed => return Err(PaymentRefusal::AlreadyPaid),
        OrderState::PendingPayment | OrderState::Closed | OrderState::Unpaid | OrderState::Revoked => {
            return Err(PaymentRefusal::Closed);
        }
    }
    if let Some(open) = bill.payments.iter().find(|payment| payment.state.is_open()) {
        let is_same = open.platform == platform && open.means == Means::Checkout;
        let payment_id = open.id;
        return if is_same { Ok(open.clone()) } else { Err(PaymentRefusal::OtherPlatform { payment_id }) };
    }
    let now = draft.now;
    let closes_at = match platform {
        PlatformName::BankTransfer => bill.closes_at.max(bill.order.created_at.plus_seconds(TRANSFER_SECONDS)),
        PlatformName::Sandbox | PlatformName::Stripe => bill.closes_at,
    };
    let payment = new_payment(draft, &bill.order, (platform, is_live), Means::Checkout);
    let check_at = next_look(&payment, closes_at, now);
    let payment = Payment { check_at, ..payment };
    draft.put_payment(payment.clone());
    // Who made the order of a renewal closes it.
    if bill.cause != Cause::Renewal {
        let pending = Pending { order_id: bill.order.id, closes_at: closes_at.plus_seconds(PATIENCE_SECONDS) };
        draft.prolong(pending, closes_at);
    }
    Ok(payment)
}

/// the renewal's order is to be paid by a saved payment method; the platform is asked as soon as this is stored.
pub(crate) fn charge(draft: &mut Draft<'_>, order: &Order, card: Card) {
    let payment = new_payment(draft, order, (card.platform, card.is_live), Means::OffSession);
    draft.put_payment(Payment { method_id: Some(card.method_id), check_at: Some(draft.now), ..payment });
}

fn new_payment(
    draft: &mut Draft<'_>,
    order: &Order,
    (platform, is_live): (PlatformName, bool),
    means: Means,
) -> Payment {
    Payment {
        id: draft.next_id(),
        account_id: order.account_id,
        order_id: order.id,
        platform,
        is_live,
        means,
        state: State::Created,
        amount: order.amount,
        currency: order.currency,
        reference: None,
        movement: None,
        page: None,
        method_id: None,
        created_at: draft.now,
        check_at: None,
        n_silent: 0,
        settled_at: None,
        disputed_at: None,
        reason: None,
        entry_number: None,
    }
}

/// Takes in what the platform says of a payment of the draft's order. Repeats, and what comes late or out of order, change
/// nothing that is known already.
///
/// # Errors
/// [`PaymentRefusal`]; then nothing is changed.
pub fn settle(draft: &mut Draft<'_>, id: PaymentId, finding: Finding) -> Result<Payment, PaymentRefusal> {
    let bill = draft.bill().ok_or(PaymentRefusal::UnknownOrder)?.clone();
    let payment = bill.payment(id).ok_or(PaymentRefusal::UnknownPayment)?.clone();
    // What has ended changes by money only.
    if !payment.state.is_open() && !matches!(finding, Finding::Paid(_)) {
        return Ok(payment);
    }
    match finding {
        Finding::Paid(receipt) => paid(draft, &bill, payment, receipt)?,
        Finding::Waiting { reference, page } => {
            let (reference, page) = (Some(reference), page.or_else(|| payment.page.clone()));
            heard(draft, &bill, Payment { reference, page, ..payment }, Input::Wait, None);
        }
        Finding::Processing { reference } => {
            let reference = Some(reference);
            heard(draft, &bill, Payment { reference, ..payment }, Input::Process, None);
        }
        Finding::Expired => expired(draft, &bill, payment),
        Finding::Failed { reference, code, needs_payer } => {
            let reference = reference.or_else(|| payment.reference.clone());
            failed(draft, &bill, Payment { reference, ..payment }, &code, needs_payer);
        }
        Finding::Missing => missing(draft, &bill, payment),
        Finding::Silence => silent(draft, &bill, payment),
        Finding::Unreached => unreached(draft, &bill, payment),
    }
    Ok(draft.bill().and_then(|bill| bill.payment(id)).expect("it was there").clone())
}

/// Keeps what was heard, and when the platform is asked again. What is known of money already stays.
fn heard(draft: &mut Draft<'_>, bill: &Bill, before: Payment, input: Input, reason: Option<String>) -> Payment {
    let state = before.state.apply(input);
    let n_silent = if input == Input::Lose { before.n_silent + 1 } else { 0 };
    let reason = if state == before.state { before.reason.clone() } else { reason };
    let after = Payment { state, n_silent, reason, ..before };
    let check_at = next_look(&after, bill.closes_at, draft.now);
    let after = Payment { check_at, ..after };
    draft.put_payment(after.clone());
    after
}

/// Money came. It is compared with what was asked for, and booked once.
fn paid(draft: &mut Draft<'_>, bill: &Bill, payment: Payment, receipt: Receipt) -> Result<(), PaymentRefusal> {
    if !receipt.is_of(&payment) {
        silent(draft, bill, payment);
        return Ok(());
    }
    let is_known = matches!(payment.state, State::Succeeded | State::Quarantined);
    if !is_known {
        match receipt.mismatch(&payment) {
            Some(mismatch) => quarantine(draft, bill, payment.clone(), &receipt, mismatch),
            None => succeed(draft, bill, payment.clone(), &receipt)?,
        }
    }
    if receipt.is_disputed {
        dispute(draft, payment.id);
    }
    Ok(())
}

/// B-6: money that does not match activates nothing; the operator decides.
fn quarantine(draft: &mut Draft<'_>, bill: &Bill, payment: Payment, receipt: &Receipt, reason: Mismatch) {
    let (order_id, payment_id, platform) = (payment.order_id, payment.id, payment.platform);
    let (means, was_open) = (payment.means, payment.state.is_open());
    let known = Payment {
        reference: Some(receipt.reference.clone()),
        movement: Some(receipt.movement.clone()),
        settled_at: Some(draft.now),
        ..payment
    };
    heard(draft, bill, known, Input::Quarantine, Some(reason.name().to_owned()));
    let Receipt { movement, amount, currency, .. } = receipt.clone();
    let origin = (Some(order_id), Some(payment_id));
    hold(draft, origin, (platform, movement), (amount, currency), reason);
    if was_open {
        end_try(draft, bill, means, reason.name());
    }
}

fn hold(
    draft: &mut Draft<'_>,
    (order_id, payment_id): (Option<OrderId>, Option<PaymentId>),
    (platform, movement): (PlatformName, String),
    (amount, currency): (Amount, Currency),
    reason: Mismatch,
) {
    let unapplied = Unapplied {
        id: draft.next_id(),
        account_id: Some(draft.account().id),
        order_id,
        payment_id,
        platform,
        movement,
        amount,
        currency,
        reason,
        at: draft.now,
        state: UnappliedState::Held,
        credited_to: None,
        resolved_at: None,
    };
    if let Some((order_id, payment_id)) = order_id.zip(payment_id) {
        let unapplied_id = unapplied.id;
        let body = Body::PaymentUnapplied { unapplied_id, order_id, platform, amount, currency, reason };
        draft.tell(draft.now, Subject::Payment(payment_id), body);
    }
    draft.set_unapplied(unapplied);
}

/// The money that was asked for came: the order takes it, or the wallet does (B-3, B-6).
fn succeed(draft: &mut Draft<'_>, bill: &Bill, payment: Payment, receipt: &Receipt) -> Result<(), PaymentRefusal> {
    let now = draft.now;
    let card = receipt.method.as_ref().map(|method| keep_method(draft, &payment, method));
    let order = &bill.order;
    let is_late = order.state == OrderState::Closed;
    let takes_money = match order.state {
        OrderState::PendingPayment => true,
        OrderState::Closed => bill.closed_at.is_some_and(|at| now.seconds_since(at) <= LATE_SECONDS),
        OrderState::Completed | OrderState::Unpaid | OrderState::Revoked => false,
    };
    let done = if takes_money { fulfil(draft, bill, is_late, card) } else { None };
    let postings = match (&done, &bill.cause) {
        (Some(_), Cause::Purchase(_) | Cause::Renewal) => Postings::paid_outside(payment.amount),
        (Some(_), Cause::Recharge) | (None, _) => Postings::funded(payment.amount),
    };
    let reason = if postings.cash == Amount::ZERO { EntryReason::Payment } else { EntryReason::Recharge };
    let (order_id, payment_id) = (Some(order.id), Some(payment.id));
    let reference = Some(receipt.movement.clone());
    let entry = draft.post(Movement { at: now, reason, postings, order_id, reference, payment_id })?;
    let applied_to = if done.is_some() { Applied::Order } else { Applied::Wallet };
    let paid = Payment {
        reference: Some(receipt.reference.clone()),
        movement: Some(receipt.movement.clone()),
        settled_at: Some(now),
        entry_number: Some(entry.number),
        ..payment
    };
    let (amount, currency) = (paid.amount, paid.currency);
    let paid = heard(draft, bill, paid, Input::Succeed, None);
    let body = Body::PaymentSucceeded { order_id: order.id, amount, currency, applied_to };
    draft.tell(now, Subject::Payment(paid.id), body);
    // What the wallet took instead is not to be paid a second time.
    close_if_not_done(draft, order.id);
    if bill.cause == Cause::Renewal {
        let charge = if done.is_some() { Charge::Paid } else { Charge::Declined { code: "too_late".to_owned() } };
        due::note_charge(draft, order, charge);
    }
    // What the wallet got, renewals may use at once (R-2, W-3).
    if reason == EntryReason::Recharge {
        due::attempt_all(draft);
    }
    Ok(())
}

fn fulfil(draft: &mut Draft<'_>, bill: &Bill, is_late: bool, card: Option<Card>) -> Option<Order> {
    match &bill.cause {
        Cause::Purchase(purchase) => purchase::fulfil(draft, &bill.order, purchase, is_late, card),
        Cause::Recharge => {
            let now = draft.now;
            let order = Order { state: OrderState::Completed, completed_at: Some(now), ..bill.order.clone() };
            draft.complete_order(order.clone());
            Some(order)
        }
        Cause::Renewal => due::renew_license_paid(draft, &bill.order),
    }
}

/// the customer agreed that this is charged later.
fn keep_method(draft: &mut Draft<'_>, payment: &Payment, method: &SavedMethod) -> Card {
    let SavedMethod { customer, reference, label } = method.clone();
    let (platform, is_live) = (payment.platform, payment.is_live);
    let method_id = draft.next_id();
    draft.set_method(PaymentMethod {
        id: method_id,
        account_id: payment.account_id,
        platform,
        customer,
        reference,
        label,
        created_at: draft.now,
        removed_at: None,
    });
    Card { method_id, platform, is_live }
}

/// A payer took money back: what it paid is suspended until the operator decides (B-5).
fn dispute(draft: &mut Draft<'_>, id: PaymentId) {
    let bill = draft.bill().expect("it was there").clone();
    let payment = bill.payment(id).expect("it was there").clone();
    if payment.disputed_at.is_some() {
        return;
    }
    let now = draft.now;
    let Payment { order_id, amount, currency, .. } = payment;
    draft.put_payment(Payment { disputed_at: Some(now), ..payment });
    // A second payment of the order went to the wallet, so it bought nothing that could be suspended.
    let has_paid = bill.order.completed_at.is_some() && bill.order.completed_at == payment.settled_at;
    let license_id = bill.order.license_id.filter(|_| has_paid);
    if let Some(license_id) = license_id {
        // One that has ended or is suspended stays so.
        drop(intervene(draft, license_id, Intervention::Suspend, "the payer disputes the payment"));
    }
    draft.tell(now, Subject::Payment(id), Body::PaymentDisputed { order_id, license_id, amount, currency });
}

fn expired(draft: &mut Draft<'_>, bill: &Bill, payment: Payment) {
    let means = payment.means;
    heard(draft, bill, payment, Input::Expire, None);
    end_try(draft, bill, means, "expired");
}

/// A try ended without the money. A charge that nobody attends is over with it, so that the wallet and the daily attempts go
/// on.
fn end_try(draft: &mut Draft<'_>, bill: &Bill, means: Means, code: &str) {
    match means {
        Means::Checkout => close_if_over(draft, bill.order.id),
        Means::OffSession => {
            close_if_not_done(draft, bill.order.id);
            due::note_charge(draft, &bill.order, Charge::Declined { code: code.to_owned() });
        }
    }
}

/// Closes the order if its time is over and nothing may bring its money any more (B-3).
fn close_if_over(draft: &mut Draft<'_>, order_id: OrderId) {
    let Some(bill) = draft.bill().filter(|bill| bill.order.id == order_id) else { return };
    let is_over = draft.now >= bill.closes_at && bill.cause != Cause::Renewal;
    let waits = bill.order.state == OrderState::PendingPayment;
    let may_be_paid = bill.payments.iter().any(|payment| payment.state.is_open());
    if is_over && waits && !may_be_paid {
        let at = bill.closes_at;
        draft.close_order(order_id, at);
    }
}

fn close_if_not_done(draft: &mut Draft<'_>, order_id: OrderId) {
    let waits = draft.bill().is_some_and(|bill| bill.order.state == OrderState::PendingPayment);
    if waits {
        let now = draft.now;
        draft.close_order(order_id, now);
    }
}

fn failed(draft: &mut Draft<'_>, bill: &Bill, payment: Payment, code: &str, needs_payer: bool) {
    let now = draft.now;
    let after = heard(draft, bill, payment, Input::Fail, Some(code.to_owned()));
    let order_id = after.order_id;
    draft.tell(now, Subject::Payment(after.id), Body::PaymentFailed { order_id, code: code.to_owned() });
    // Past its end the payer has no time left to act.
    let may_ask = needs_payer && bill.order.state == OrderState::PendingPayment && now < bill.closes_at;
    if after.means == Means::OffSession && may_ask {
        ask_payer(draft, bill, &after);
    } else {
        end_try(draft, bill, after.means, code);
    }
}

/// the bank wants the owner of the card to confirm. The order can be paid by hand until shortly before the next daily
/// attempt.
fn ask_payer(draft: &mut Draft<'_>, bill: &Bill, payment: &Payment) {
    let now = draft.now;
    let until = now.plus_seconds(PAYER_SECONDS).min(bill.closes_at);
    draft.prolong(Pending { order_id: bill.order.id, closes_at: Instant::MAX }, until);
    let (order_id, license_id) = (bill.order.id, bill.order.license_id);
    let body = Body::PaymentActionRequired { order_id, license_id, until };
    draft.tell(now, Subject::Payment(payment.id), body);
    due::note_charge(draft, &bill.order, Charge::NeedsPayer { until });
}

/// The platform does not know it: nothing was paid, unless our call is on its way still.
fn missing(draft: &mut Draft<'_>, bill: &Bill, payment: Payment) {
    let age = draft.now.seconds_since(payment.created_at);
    if age < MISSING_SECONDS {
        silent(draft, bill, payment);
    } else if draft.now < bill.closes_at && payment.means == Means::Checkout && payment.reference.is_none() {
        // Its page was never made; it still can be, under the same name.
        heard(draft, bill, payment, Input::Lose, None);
    } else {
        failed(draft, bill, payment, "not_found", false);
    }
}

fn silent(draft: &mut Draft<'_>, bill: &Bill, payment: Payment) {
    let was_silent = payment.state == State::Unknown;
    let means = payment.means;
    let after = heard(draft, bill, payment, Input::Lose, None);
    if means == Means::OffSession && !was_silent && after.state == State::Unknown {
        due::note_charge(draft, &bill.order, Charge::Silent);
    }
}

/// Nothing was done, so the same call is made again a little later.
fn unreached(draft: &mut Draft<'_>, bill: &Bill, payment: Payment) {
    let after = Payment { n_silent: payment.n_silent + 1, ..payment };
    let check_at = next_look(&after, bill.closes_at, draft.now);
    draft.put_payment(Payment { check_at, ..after });
}

/// Holds money that the platform took for this account and that nothing of ours asked for (B-6).
pub fn hold_unexpected(
    draft: &mut Draft<'_>,
    (platform, movement): (PlatformName, String),
    (amount, currency): (Amount, Currency),
    (order_id, payment_id): (Option<OrderId>, Option<PaymentId>),
) {
    hold(draft, (order_id, payment_id), (platform, movement), (amount, currency), Mismatch::Unexpected);
}

/// The operator puts the draft's unapplied money into the account's wallet (B-6); renewals may use it at once.
///
/// # Errors
/// [`PaymentRefusal`].
pub fn credit_unapplied(draft: &mut Draft<'_>) -> Result<(Unapplied, Entry), PaymentRefusal> {
    let held = held(draft)?;
    let account = draft.account();
    if held.currency != account.currency {
        return Err(PaymentRefusal::OtherCurrency { money: held.currency, account: account.currency });
    }
    let (now, credited_to) = (draft.now, Some(account.id));
    let postings = Postings::funded(held.amount);
    let (reason, reference) = (EntryReason::Recharge, Some(held.movement.clone()));
    // The payment stays quarantined, so its money is booked here and nowhere else.
    let payment_id = held.payment_id;
    let entry = draft.post(Movement { at: now, reason, postings, order_id: held.order_id, reference, payment_id })?;
    let credited = Unapplied { state: UnappliedState::Credited, credited_to, resolved_at: Some(now), ..held };
    draft.set_unapplied(credited.clone());
    due::attempt_all(draft);
    Ok((credited, entry))
}

fn held(draft: &Draft<'_>) -> Result<Unapplied, PaymentRefusal> {
    let unapplied = draft.unapplied().ok_or(PaymentRefusal::UnknownUnapplied)?;
    match unapplied.state {
        UnappliedState::Held => Ok(unapplied.clone()),
        state @ (UnappliedState::Credited | UnappliedState::Refunding | UnappliedState::Refunded) => {
            Err(PaymentRefusal::NotHeld { state })
        }
    }
}

/// The draft's unapplied money goes back to the payer: first it is taken from what can be credited, then the platform is
/// asked. Repeating it asks again.
///
/// # Errors
/// [`PaymentRefusal`].
pub fn refund_unapplied(draft: &mut Draft<'_>) -> Result<Unapplied, PaymentRefusal> {
    let unapplied = draft.unapplied().ok_or(PaymentRefusal::UnknownUnapplied)?.clone();
    match unapplied.state {
        UnappliedState::Held => {
            let refunding = Unapplied { state: UnappliedState::Refunding, ..unapplied };
            draft.set_unapplied(refunding.clone());
            Ok(refunding)
        }
        UnappliedState::Refunding | UnappliedState::Refunded => Ok(unapplied),
        state @ UnappliedState::Credited => Err(PaymentRefusal::NotHeld { state }),
    }
}

/// The platform gave the draft's unapplied money back, or refused to.
///
/// # Errors
/// [`PaymentRefusal`].
pub fn refund_answered(draft: &mut Draft<'_>, is_refunded: bool) -> Result<Unapplied, PaymentRefusal> {
    let unapplied = draft.unapplied().ok_or(PaymentRefusal::UnknownUnapplied)?.clone();
    if unapplied.state != UnappliedState::Refunding {
        return Ok(unapplied);
    }
    let (state, resolved_at) =
        if is_refunded { (UnappliedState::Refunded, Some(draft.now)) } else { (UnappliedState::Held, None) };
    let answered = Unapplied { state, resolved_at, ..unapplied };
    draft.set_unapplied(answered.clone());
    Ok(answered)
}

/// The customer withdraws the agreement to be charged: no license is charged to the draft's payment method any more. Removing
/// it again changes nothing. `None`: there is no such method.
#[must_use]
pub fn remove_method(draft: &mut Draft<'_>) -> Option<PaymentMethod> {
    let method = draft.method()?.clone();
    if method.removed_at.is_some() {
        return Some(method);
    }
    let removed = PaymentMethod { removed_at: Some(draft.now), ..method };
    draft.set_method(removed.clone());
    Some(removed)
}
