//! Payments: asking a platform, and settling what it says.
//!
//! A payment is stored before the platform hears of it. Whoever learns of something (a notice, a browser that comes back, a
//! button, the worker, the operator) leads to [`Engine::look`]: it asks the platform how the payment stands and settles that
//! in one transaction. A notice is a wake-up and never evidence.

use std::time::Duration;

use domain::catalog::ProductKind;
use domain::draft::Draft;
use domain::id::{AccountId, OrderId, PaymentId, PaymentMethodId, UnappliedId};
use domain::money::{Amount, Currency};
use domain::order::{Order, OrderState};
use domain::payment::{
    Bill, Cause, Finding, Means, Mismatch, Payment, PaymentMethod, PlatformName, Receipt, State, Unapplied,
    UnappliedState,
};
use domain::settlement::{self, PaymentRefusal};
use domain::time::Instant;
use http::HeaderMap;
use payments::{
    Asked, Charge, Checkout, CheckoutLine, Failure, MovementKind, NoticeRefusal, Opened, Place, Platform, Status,
};
use store::{Idempotency, Outcome, Page, PaymentFilter, PlatformReference, UnappliedFilter, Wanted};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::{Caller, Engine, Error, Refusal};

/// Between which amounts a recharge lies, and which ones are suggested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// At least.
    pub min: Amount,
    /// At most.
    pub max: Amount,
    /// For a quick choice.
    pub suggested: Vec<Amount>,
}

/// How a site is paid.
#[derive(Debug, Default)]
pub struct Payments {
    /// A platform with a page and cards.
    pub card: Option<Platform>,
    /// Transfers between banks.
    pub transfer: Option<Platform>,
    /// The limits of recharges; a currency that is not there has those of [`Payments::limits`].
    pub recharges: Vec<(Currency, Limits)>,
}

impl Payments {
    fn platform(&self, name: PlatformName) -> Option<&Platform> {
        [&self.card, &self.transfer].into_iter().flatten().find(|platform| platform.name() == name)
    }

    /// The limits of recharges in a currency: from one minor unit to a million major ones where nothing else is said.
    #[must_use]
    pub fn limits(&self, currency: Currency) -> Limits {
        let default = || Limits {
            min: Amount::new(1).unwrap_or(Amount::MAX),
            max: Amount::new(100_000_000).unwrap_or(Amount::MAX),
            suggested: Vec::new(),
        };
        let said = self.recharges.iter().find(|(of, _)| *of == currency);
        said.map_or_else(default, |(_, limits)| limits.clone())
    }
}

/// How many payments are looked at together.
const LOOKS_AT_ONCE: u32 = 16;
/// Payments that are due are looked for so often.
const POLL: Duration = Duration::from_millis(500);
/// Every so many rounds the worker sees whether a day of movements is to be compared: a platform that does not answer shall
/// not hold up every look.
const ROUNDS_PER_RECONCILIATION: u32 = 64;
/// After trouble the worker waits so long.
const PAUSE: Duration = Duration::from_secs(2);
/// The platform forgets the name of a call after 24 hours; after these a charge is only asked about.
const REPEATABLE_SECONDS: i64 = 20 * 3600;
/// A movement is compared when it is so old: by then its notice and its look-ups were made.
const RECONCILE_SECONDS: i64 = 3600;
/// The platform counts the time of a page from when it hears of it.
const PAGE_SECONDS_MIN: i64 = 30 * 60;
/// No page lasts longer; the order may, and then has another.
const PAGE_SECONDS_MAX: i64 = 23 * 3600;
/// A little more than the least, because the call takes time.
const PAGE_SECONDS_SPARE: i64 = 10;

/// Why a notice was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// It is not genuine.
    #[error(transparent)]
    Refused(#[from] NoticeRefusal),
    /// It cannot be worked on now.
    #[error(transparent)]
    Error(#[from] Error),
}

impl Engine {
    fn payments_of_site(&self) -> &Payments {
        &self.0.payments
    }

    /// The limits of recharges of an account.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn recharge_limits(&self, caller: Caller, id: AccountId) -> Result<(Currency, Limits), Error> {
        let currency = self.account(caller, id).await?.account.currency;
        Ok((currency, self.payments_of_site().limits(currency)))
    }

    /// Orders money for the wallet; it waits for its payment (W-3).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn recharge(
        &self,
        caller: Caller,
        id: AccountId,
        amount: Amount,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<Order>, Error> {
        let (_, Limits { min, max, .. }) = self.recharge_limits(caller, id).await?;
        let trigger = caller.trigger();
        let decide = move |draft: &mut Draft<'_>| settlement::recharge(draft, amount, (min, max), trigger);
        self.decide(id, Wanted::default(), idempotency, decide).await
    }

    /// How an order can be paid: by card, by transfer.
    #[must_use]
    pub fn ways_to_pay(&self) -> (bool, bool) {
        let payments = self.payments_of_site();
        (payments.card.is_some(), payments.transfer.is_some())
    }

    /// Where the money for an order is paid: makes the platform's page, or gives the one that is there. Whoever has the
    /// order's id may pay it. `site` is our own address, to which the platform sends the buyer back.
    ///
    /// # Errors
    /// [`Error`]. When the platform cannot be used nothing was charged, and asking again goes on where this stopped.
    pub async fn open_checkout(&self, order_id: OrderId, by_transfer: bool, site: &str) -> Result<Place, Error> {
        let payments = self.payments_of_site();
        let platform = if by_transfer { &payments.transfer } else { &payments.card };
        let platform = platform.as_ref().ok_or(Refusal::NoPlatform)?;
        let bill = self.store().bill(order_id).await?.ok_or(Error::NotFound)?;
        let payment = match self.begin(&bill, platform).await {
            Err(Error::Refused(Refusal::Payment(PaymentRefusal::OtherPlatform { payment_id }))) => {
                self.withdraw(&bill, payment_id).await?;
                self.begin(&bill, platform).await?
            }
            other => other?,
        };
        if let Some(page) = payment.page {
            return Ok(Place::Page(page));
        }
        let checkout = self.checkout(&bill, &payment, platform, site).await?;
        match platform.open(&checkout).await {
            Ok(opened) => {
                let place = opened.place.clone();
                self.settle_payment(&payment, finding(Ok(Status::Open(opened)))).await?;
                Ok(place)
            }
            Err(failure) => Err(self.not_opened(&payment, failure).await?),
        }
    }

    async fn begin(&self, bill: &Bill, platform: &Platform) -> Result<Payment, Error> {
        let (name, is_live) = (platform.name(), platform.is_live());
        let wanted = Wanted { bill: Some(bill.order.id), ..Wanted::default() };
        let begun =
            self.decide(bill.order.account_id, wanted, None, move |draft| settlement::begin(draft, name, is_live));
        Ok(begun.await?.into_inner())
    }

    /// A payment that another way to pay takes the place of: its page takes no money any more.
    async fn withdraw(&self, bill: &Bill, payment_id: PaymentId) -> Result<(), Error> {
        let payment = bill.payment(payment_id).ok_or(Error::NotFound)?;
        let platform = self.payments_of_site().platform(payment.platform).ok_or(Refusal::NoPlatform)?;
        match platform.expire(&asked(payment, None, None)).await {
            Ok(status) => self.settle_payment(payment, finding(Ok(status))).await.map(drop),
            Err(failure) => Err(Refusal::PlatformUnavailable(failure.to_string()).into()),
        }
    }

    async fn not_opened(&self, payment: &Payment, failure: Failure) -> Result<Error, Error> {
        tracing::warn!(payment.id = %payment.id, "the page of payment {} was not made: {failure}", payment.id);
        Ok(match &failure {
            Failure::Refused { code, .. } => {
                let refused = Finding::Failed { reference: None, code: code.clone(), needs_payer: false };
                self.settle_payment(payment, refused).await?;
                Refusal::PlatformRefused(failure.to_string()).into()
            }
            Failure::Unknown(_) => {
                self.settle_payment(payment, Finding::Silence).await?;
                Refusal::PlatformUnavailable(failure.to_string()).into()
            }
            Failure::NotSent(_) | Failure::Unsupported => Refusal::PlatformUnavailable(failure.to_string()).into(),
        })
    }

    async fn checkout(
        &self,
        bill: &Bill,
        payment: &Payment,
        platform: &Platform,
        site: &str,
    ) -> Result<Checkout, Error> {
        let order = &bill.order;
        let account = self.store().account(order.account_id).await?.ok_or(Error::NotFound)?.account;
        let methods = self.store().payment_methods(order.account_id).await?;
        let customer = methods.into_iter().rev().find(|method| method.platform == platform.name());
        let catalog = self.store().catalog();
        let product = order.sold.and_then(|sold| Some(catalog.offering(sold.product)?.product().clone()));
        let kind = product.as_ref().map(|product| product.kind);
        let renews = matches!(&bill.cause, Cause::Purchase(purchase) if purchase.auto_renew == Some(true));
        let is_dr = kind == Some(ProductKind::DrLicense);
        let name = product.map_or_else(|| "Recharge".to_owned(), |product| product.name);
        let lines = match &order.lines[..] {
            [] => vec![CheckoutLine { name, quantity: 1, amount: order.amount }],
            lines => lines
                .iter()
                .map(|line| CheckoutLine { name: name.clone(), quantity: line.quantity, amount: line.amount })
                .collect(),
        };
        let (least, most) =
            (payment.created_at.plus_seconds(PAGE_SECONDS_MIN), payment.created_at.plus_seconds(PAGE_SECONDS_MAX));
        let path = format!("{site}/checkout/{}", order.id);
        Ok(Checkout {
            payment_id: payment.id,
            order_id: order.id,
            amount: order.amount,
            currency: order.currency,
            lines,
            is_subscription: kind.is_some_and(|kind| kind.license().is_some()),
            saves_method: is_dr && renews && platform.capabilities().saves_methods,
            customer: customer.map(|method| method.customer),
            email: Some(account.email),
            expires_at: bill.closes_at.max(least).min(most).plus_seconds(PAGE_SECONDS_SPARE),
            success_url: format!("{path}/return"),
            cancel_url: format!("{path}/return"),
        })
    }

    /// Settles what a platform says of a payment: the one path of all money from outside.
    async fn settle_payment(&self, payment: &Payment, finding: Finding) -> Result<Payment, Error> {
        let wanted = Wanted {
            bill: Some(payment.order_id),
            attemptable: matches!(finding, Finding::Paid(_)),
            ..Wanted::default()
        };
        let id = payment.id;
        let settled =
            self.decide(payment.account_id, wanted, None, move |draft| settlement::settle(draft, id, finding));
        let after = settled.await?.into_inner();
        if after.state != payment.state {
            metrics::counter!("perennial_payments_total", "state" => after.state.name()).increment(1);
            if after.state == State::Quarantined {
                let reason = after.reason.as_deref().unwrap_or_default();
                tracing::error!(payment.id = %id, "payment {id} brought other money than asked for: {reason}; it is held");
            }
        }
        Ok(after)
    }

    /// Asks the platform how a payment stands, and settles that.
    ///
    /// # Errors
    /// [`Error`], never because of the platform: then the payment is looked at again later.
    pub async fn look(&self, payment: &Payment, hint: Option<String>) -> Result<Payment, Error> {
        let finding = self.ask(payment, hint).await?;
        self.settle_payment(payment, finding).await
    }

    async fn ask(&self, payment: &Payment, hint: Option<String>) -> Result<Finding, Error> {
        let Some(platform) = self.payments_of_site().platform(payment.platform) else {
            return Ok(Finding::Unreached);
        };
        let method = match payment.method_id {
            Some(id) => self.store().payment_method(id).await?,
            None => None,
        };
        let now = self.now();
        if payment.means == Means::OffSession && payment.state == State::Created && payment.reference.is_none() {
            return Ok(self.charge(platform, payment, method, now).await);
        }
        let customer = method.map(|method| method.customer);
        let asked = asked(payment, customer, hint);
        let mut answer = platform.status(&asked).await;
        if payment.means == Means::Checkout
            && let Ok(Status::Open(Opened { reference, .. })) = &answer
            && self.is_over(payment, now).await?
        {
            // Before its order closes the page is closed; if it was paid in this moment, the platform says so.
            answer = platform.expire(&Asked { reference: Some(reference.clone()), ..asked }).await;
        }
        if let Err(failure) = &answer {
            let id = payment.id;
            tracing::warn!(payment.id = %id, "payment {id} cannot be looked at: {failure}");
        }
        Ok(finding(answer))
    }

    async fn is_over(&self, payment: &Payment, now: Instant) -> Result<bool, Error> {
        let bill = self.store().bill(payment.order_id).await?;
        Ok(bill.is_some_and(|bill| bill.closes_at <= now || bill.order.state != OrderState::PendingPayment))
    }

    /// Under the name of the payment the platform does it once, however often it is asked, while it remembers.
    async fn charge(
        &self,
        platform: &Platform,
        payment: &Payment,
        method: Option<PaymentMethod>,
        now: Instant,
    ) -> Finding {
        let failed = |code: &str| Finding::Failed { reference: None, code: code.to_owned(), needs_payer: false };
        let Some(method) = method.filter(|method| method.removed_at.is_none()) else {
            return failed("payment_method_removed");
        };
        if now.seconds_since(payment.created_at) > REPEATABLE_SECONDS {
            return failed("not_sent");
        }
        let charge = Charge {
            payment_id: payment.id,
            order_id: payment.order_id,
            amount: payment.amount,
            currency: payment.currency,
            description: format!("Renewal, order {}", payment.order_id),
            customer: method.customer,
            method: method.reference,
        };
        let answer = platform.charge(&charge).await;
        match answer {
            Err(Failure::NotSent(_)) => Finding::Unreached,
            Err(Failure::Refused { code, .. }) => failed(&code),
            other => finding(other),
        }
    }

    /// Looks at all payments of an order that may still bring money: what "check now" and a browser that comes back do.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn look_at_order(&self, order_id: OrderId) -> Result<Order, Error> {
        let bill = self.store().bill(order_id).await?.ok_or(Error::NotFound)?;
        for payment in bill.payments.iter().filter(|payment| payment.state.is_open()) {
            self.look(payment, None).await?;
        }
        self.store().order(order_id).await?.ok_or(Error::NotFound)
    }

    /// Takes a notice of the card platform: verifies it, and looks at the payment that it is about.
    ///
    /// # Errors
    /// [`NoticeError`].
    pub async fn notice(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), NoticeError> {
        let platform = self.payments_of_site().card.as_ref().ok_or(NoticeRefusal::NoSecret)?;
        let notice = platform.notice(headers, body, self.now())?;
        let Some(about) = notice.about else { return Ok(()) };
        let name = platform.name();
        let mut found = match about.payment_id {
            Some(id) => self.store().payment(id).await.map_err(Error::from)?,
            None => None,
        };
        let called = [
            about.reference.clone().map(PlatformReference::Payment),
            about.movement.clone().map(PlatformReference::Payment),
            about.movement.clone().map(PlatformReference::Movement),
        ];
        for reference in called.into_iter().flatten() {
            if found.is_none() {
                found = self.store().payment_called(name, &reference).await.map_err(Error::from)?;
            }
        }
        let Some(payment) = found.filter(|payment| payment.platform == name) else {
            return Ok(());
        };
        let is_booked = matches!(payment.state, State::Succeeded | State::Quarantined);
        if is_booked && !notice.kind.contains("dispute") {
            return Ok(());
        }
        let hint = match payment.means {
            Means::Checkout => about.reference,
            Means::OffSession => about.movement,
        };
        self.look(&payment, hint).await?;
        Ok(())
    }

    /// What the card platform wants to hear when a notice has arrived.
    #[must_use]
    pub fn acknowledgement(&self) -> payments::Acknowledgement {
        let nothing = payments::Acknowledgement { content_type: "text/plain", body: "" };
        self.payments_of_site().card.as_ref().map_or(nothing, Platform::acknowledgement)
    }

    /// Looks at a batch of payments that are due. Gives how many.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn do_due_payments(&self) -> Result<usize, Error> {
        let due = self.store().due_payments(self.now(), LOOKS_AT_ONCE).await?;
        let mut looks = JoinSet::new();
        for payment in due {
            let engine = self.clone();
            looks.spawn(async move { engine.look(&payment, None).await });
        }
        let mut n_looks = 0;
        while let Some(looked) = looks.join_next().await {
            match looked {
                Ok(looked) => drop(looked?),
                Err(panic) => return Err(Error::Bug(panic.to_string().into())),
            }
            n_looks += 1;
        }
        Ok(n_looks)
    }

    /// Compares, once a day, what moved on the card platform with what we know of it. Gives whether a day was compared.
    ///
    /// # Errors
    /// [`Error`], never because of the platform: then the day is compared later.
    pub(crate) async fn reconcile_when_due(&self) -> Result<bool, Error> {
        let Some(platform) = self.payments_of_site().card.as_ref() else { return Ok(false) };
        let (name, now) = (platform.name(), self.now());
        let Some(from) = self.store().reconciled_until(name).await? else {
            self.store().set_reconciled_until(name, now).await?;
            return Ok(false);
        };
        let until = from.plus_seconds(86_400);
        if now < until.plus_seconds(RECONCILE_SECONDS) {
            return Ok(false);
        }
        match self.reconcile(platform, from, until).await {
            Ok(n_differences) => {
                metrics::counter!("perennial_reconciliation_differences_total").increment(n_differences);
                self.store().set_reconciled_until(name, until).await?;
                Ok(true)
            }
            Err(Reconciling::Platform(failure)) => {
                tracing::warn!("the movements on the payment platform cannot be compared now: {failure}");
                Ok(false)
            }
            Err(Reconciling::Engine(error)) => Err(error),
        }
    }

    async fn reconcile(&self, platform: &Platform, from: Instant, until: Instant) -> Result<u64, Reconciling> {
        let mut n_differences = 0;
        let mut after = None;
        loop {
            let page = platform.movements(from, until, after.as_deref()).await.map_err(Reconciling::Platform)?;
            for movement in page.movements {
                if movement.kind == MovementKind::In {
                    n_differences +=
                        u64::from(self.compare(platform.name(), movement).await.map_err(Reconciling::Engine)?);
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(n_differences);
            }
        }
    }

    /// A movement that we did not know is a payment to settle, or money to hold. Gives whether it was not known.
    async fn compare(&self, platform: PlatformName, movement: payments::Movement) -> Result<bool, Error> {
        let called = PlatformReference::Movement(movement.movement.clone());
        if self.store().payment_called(platform, &called).await?.is_some() {
            return Ok(false);
        }
        let payment = match movement.payment_id {
            Some(id) => self.store().payment(id).await?,
            None => None,
        };
        if let Some(payment) = payment {
            let after = self.look(&payment, None).await?;
            if after.movement.as_deref() == Some(&*movement.movement) {
                return Ok(true);
            }
        }
        if movement.payment_id.is_none() && movement.order_id.is_none() {
            // The platform may serve others of the vendor's programs, too.
            return Ok(false);
        }
        self.hold_unexpected(platform, movement).await?;
        Ok(true)
    }

    async fn hold_unexpected(&self, platform: PlatformName, movement: payments::Movement) -> Result<(), Error> {
        let payments::Movement { movement, amount, currency, order_id, payment_id, .. } = movement;
        tracing::error!("the payment platform took {movement}, which nothing of ours asked for; it is held");
        let owner = match order_id {
            Some(id) => self.store().order(id).await?.map(|order| order.account_id),
            None => None,
        };
        let held = match owner {
            Some(account_id) => {
                let called = (platform, movement);
                let hold = move |draft: &mut Draft<'_>| {
                    settlement::hold_unexpected(draft, called, (amount, currency), (order_id, payment_id));
                    Ok::<_, std::convert::Infallible>(())
                };
                self.decide(account_id, Wanted::default(), None, hold).await.map(drop)
            }
            None => {
                let hold = move |desk: &mut store::Desk<'_>| Unapplied {
                    id: desk.ids.next(desk.now, domain::id::Shard(0)),
                    account_id: None,
                    order_id,
                    payment_id,
                    platform,
                    movement,
                    amount,
                    currency,
                    reason: Mismatch::Unexpected,
                    at: desk.now,
                    state: UnappliedState::Held,
                    credited_to: None,
                    resolved_at: None,
                };
                self.store().hold_unapplied(hold).await.map(drop).map_err(Error::from)
            }
        };
        match held {
            // It is held already.
            Err(Error::Conflict(_)) => Ok(()),
            other => other,
        }
    }

    /// Payments, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn payments(
        &self,
        caller: Caller,
        mut filter: PaymentFilter,
        page: Page<PaymentId>,
    ) -> Result<Vec<Payment>, Error> {
        filter.account_id = caller.scope(filter.account_id)?;
        Ok(self.store().payments(&filter, page).await?)
    }

    /// A payment.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn payment(&self, caller: Caller, id: PaymentId) -> Result<Payment, Error> {
        let payment = self.store().payment(id).await?.ok_or(Error::NotFound)?;
        caller.require_access(payment.account_id)?;
        Ok(payment)
    }

    /// Asks the platform about a payment now.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn check_payment(&self, caller: Caller, id: PaymentId) -> Result<Payment, Error> {
        let payment = self.payment(caller, id).await?;
        if payment.state.is_open() { self.look(&payment, None).await } else { Ok(payment) }
    }

    /// The operator read on the bank's statement that a transfer has arrived: so much, under this reference of the bank.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn confirm_transfer(
        &self,
        caller: Caller,
        id: PaymentId,
        (amount, currency, movement): (Amount, Currency, String),
    ) -> Result<Payment, Error> {
        caller.require_operator()?;
        let payment = self.payment(caller, id).await?;
        if payment.platform != PlatformName::BankTransfer {
            return Err(PaymentRefusal::NotATransfer.into());
        }
        let receipt = Receipt {
            reference: id.to_string(),
            movement,
            amount,
            currency,
            is_live: payment.is_live,
            payment_id: Some(id),
            order_id: Some(payment.order_id),
            method: None,
            is_disputed: false,
        };
        self.settle_payment(&payment, Finding::Paid(receipt)).await
    }

    /// The saved payment methods of an account.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn payment_methods(&self, caller: Caller, id: AccountId) -> Result<Vec<PaymentMethod>, Error> {
        self.account(caller, id).await?;
        Ok(self.store().payment_methods(id).await?)
    }

    /// Withdraws the agreement to be charged.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn remove_payment_method(&self, caller: Caller, id: PaymentMethodId) -> Result<PaymentMethod, Error> {
        let method = self.store().payment_method(id).await?.ok_or(Error::NotFound)?;
        caller.require_access(method.account_id)?;
        let wanted = Wanted { method: Some(id), ..Wanted::default() };
        let removed = self
            .decide(method.account_id, wanted, None, |draft| settlement::remove_method(draft).ok_or(Error::NotFound));
        Ok(removed.await?.into_inner())
    }

    /// Unapplied money, oldest first (B-6).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn unapplied(
        &self,
        caller: Caller,
        filter: UnappliedFilter,
        page: Page<UnappliedId>,
    ) -> Result<Vec<Unapplied>, Error> {
        caller.require_operator()?;
        Ok(self.store().unapplied(&filter, page).await?)
    }

    /// Puts unapplied money into a wallet (B-6).
    ///
    /// # Errors
    /// [`Error`].
    pub async fn credit_unapplied(
        &self,
        caller: Caller,
        id: UnappliedId,
        account_id: AccountId,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome<Unapplied>, Error> {
        caller.require_operator()?;
        let wanted = Wanted { unapplied: Some(id), attemptable: true, ..Wanted::default() };
        let credit = |draft: &mut Draft<'_>| settlement::credit_unapplied(draft).map(|(unapplied, _)| unapplied);
        self.decide(account_id, wanted, idempotency, credit).await
    }

    /// Gives unapplied money back to the payer, once, however often it is asked for.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn refund_unapplied(&self, caller: Caller, id: UnappliedId) -> Result<Unapplied, Error> {
        caller.require_operator()?;
        let held = self.store().one_unapplied(id).await?.ok_or(Error::NotFound)?;
        let platform = self.payments_of_site().platform(held.platform).ok_or(Refusal::NoPlatform)?;
        if !platform.capabilities().refunds {
            return Err(Refusal::NoPlatform.into());
        }
        let account_id = held.account_id.ok_or(Refusal::Payment(PaymentRefusal::UnknownUnapplied))?;
        let wanted = Wanted { unapplied: Some(id), ..Wanted::default() };
        let taken = self.decide(account_id, wanted.clone(), None, settlement::refund_unapplied).await?.into_inner();
        if taken.state == UnappliedState::Refunded {
            return Ok(taken);
        }
        let refund = payments::Refund {
            key: id.to_string(),
            movement: taken.movement.clone(),
            amount: taken.amount,
            currency: taken.currency,
        };
        let is_refunded = match platform.refund(&refund).await {
            Ok(()) => true,
            Err(Failure::Refused { code, message }) => {
                tracing::warn!(unapplied.id = %id, "the refund of {id} was refused: {code}: {message}");
                false
            }
            // It may have been given back: it stays on its way, and asking again finds out.
            Err(failure) => return Err(Refusal::PlatformUnavailable(failure.to_string()).into()),
        };
        let answered =
            self.decide(account_id, wanted, None, move |draft| settlement::refund_answered(draft, is_refunded));
        Ok(answered.await?.into_inner())
    }
}

/// Why movements were not compared.
enum Reconciling {
    Platform(Failure),
    Engine(Error),
}

fn asked(payment: &Payment, customer: Option<String>, hint: Option<String>) -> Asked {
    Asked {
        payment_id: payment.id,
        means: payment.means,
        reference: payment.reference.clone().or(hint),
        customer,
        created_at: payment.created_at,
    }
}

/// What a platform says, in the words of the rules.
fn finding(answer: payments::Answer<Status>) -> Finding {
    match answer {
        Ok(Status::Open(Opened { reference, place })) => {
            let page = match place {
                Place::Page(url) => Some(url),
                Place::QrCode(_) | Place::Transfer { .. } => None,
            };
            Finding::Waiting { reference, page }
        }
        Ok(Status::Processing { reference }) => Finding::Processing { reference },
        Ok(Status::Paid(receipt)) => Finding::Paid(receipt),
        Ok(Status::Failed(decline)) => {
            Finding::Failed { reference: decline.reference, code: decline.code, needs_payer: decline.needs_payer }
        }
        Ok(Status::Expired) => Finding::Expired,
        Ok(Status::Missing) => Finding::Missing,
        Err(Failure::NotSent(_)) => Finding::Unreached,
        Err(Failure::Unknown(_) | Failure::Refused { .. } | Failure::Unsupported) => Finding::Silence,
    }
}

/// The part of the background work that asks payment platforms.
#[derive(Debug)]
pub struct PaymentWorker {
    engine: Engine,
    stop: watch::Receiver<bool>,
}

impl PaymentWorker {
    /// A worker that ends when `stop` becomes true.
    #[must_use]
    pub const fn new(engine: Engine, stop: watch::Receiver<bool>) -> Self {
        Self { engine, stop }
    }

    /// Works until it is stopped.
    pub async fn run(mut self) {
        let mut n_rounds = 0_u32;
        while !*self.stop.borrow() {
            let pause = match self.round(n_rounds).await {
                Ok(0) => POLL,
                Ok(_) => Duration::ZERO,
                Err(error) => {
                    tracing::warn!(%error, "payments wait: {error}");
                    PAUSE
                }
            };
            n_rounds = n_rounds.wrapping_add(1);
            tokio::select! {
                _ = self.stop.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn round(&self, n_rounds: u32) -> Result<usize, Error> {
        if n_rounds.is_multiple_of(ROUNDS_PER_RECONCILIATION) {
            self.engine.reconcile_when_due().await?;
        }
        self.engine.do_due_payments().await
    }
}
