//! What a life does with payment platforms: orders to pay, and what a platform says of payments.

use domain::draft::Draft;
use domain::id::{OrderId, PaymentId, PaymentMethodId, UnappliedId};
use domain::order::{Order, Trigger};
use domain::payment::{Bill, Finding, Payment, PaymentMethod, PlatformName, Receipt, SavedMethod, Unapplied};
use domain::settlement::{self, PaymentRefusal};

use super::amount;
use super::life::Life;
use super::records::Asked;

impl Life {
    /// Orders money for the wallet.
    ///
    /// # Errors
    /// The refusal.
    pub fn recharge(&mut self, minor: i64) -> Result<Order, PaymentRefusal> {
        let limits = (amount(1), amount(1_000_000));
        self.decide(|draft| settlement::recharge(draft, amount(minor), limits, Trigger::Customer))
    }

    fn on_bill<T>(
        &mut self,
        id: OrderId,
        command: impl FnOnce(&mut Draft<'_>) -> Result<T, PaymentRefusal>,
    ) -> Result<T, PaymentRefusal> {
        let license = self.orders().iter().find(|order| order.id == id).and_then(|order| order.license_id);
        self.decide_on(&Asked { bill: Some(id), license, ..Asked::default() }, command)
    }

    /// Begins a payment of an order on a platform.
    ///
    /// # Errors
    /// The refusal.
    pub fn begin(&mut self, id: OrderId, platform: PlatformName) -> Result<Payment, PaymentRefusal> {
        self.on_bill(id, |draft| settlement::begin(draft, platform, false))
    }

    /// Takes in what a platform says of a payment.
    ///
    /// # Panics
    /// When it is refused, or there is no such payment.
    pub fn hear(&mut self, id: PaymentId, finding: Finding) -> Payment {
        let order_id = self.payment(id).order_id;
        self.on_bill(order_id, |draft| settlement::settle(draft, id, finding)).expect("a finding that the rules take")
    }

    /// What a platform says when the money of a payment came, and what it keeps when the buyer agreed.
    #[must_use]
    pub fn receipt(&self, id: PaymentId) -> Receipt {
        let payment = self.payment(id);
        Receipt {
            reference: format!("cs_{id}"),
            movement: format!("pi_{id}"),
            amount: payment.amount,
            currency: payment.currency,
            is_live: payment.is_live,
            payment_id: Some(id),
            order_id: Some(payment.order_id),
            method: None,
            is_disputed: false,
        }
    }

    /// The same, with a card that may be charged later.
    #[must_use]
    pub fn receipt_with_card(&self, id: PaymentId) -> Receipt {
        let method = SavedMethod {
            customer: "cus_1".to_owned(),
            reference: "pm_1".to_owned(),
            label: "visa **** 4242, 12/2034".to_owned(),
        };
        Receipt { method: Some(method), ..self.receipt(id) }
    }

    /// The finding that the money of a payment came.
    #[must_use]
    pub fn paid(&self, id: PaymentId) -> Finding {
        Finding::Paid(self.receipt(id))
    }

    /// The payments that a platform is to be asked about now.
    #[must_use]
    pub fn payments_due(&self) -> Vec<PaymentId> {
        let is_due = |payment: &&Payment| payment.check_at.is_some_and(|at| at <= self.now());
        self.payments.values().filter(is_due).map(|payment| payment.id).collect()
    }

    /// A payment.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn payment(&self, id: PaymentId) -> &Payment {
        self.payments.get(&id).expect("a payment of this account")
    }

    /// All payments, oldest first.
    pub fn payments(&self) -> impl Iterator<Item = &Payment> {
        self.payments.values()
    }

    /// An order on a platform, with all its payments.
    #[must_use]
    pub fn bill(&self, id: OrderId) -> Option<Bill> {
        let (cause, closes_at, closed_at) = self.bills.get(&id)?.clone();
        let order = self.orders().iter().find(|order| order.id == id)?.clone();
        let payments = self.payments.values().filter(|payment| payment.order_id == id).cloned().collect();
        Some(Bill { order, cause, closes_at, closed_at, payments })
    }

    /// All unapplied money.
    pub fn unapplied(&self) -> impl Iterator<Item = &Unapplied> {
        self.unapplied.values()
    }

    /// The operator puts unapplied money into the wallet.
    ///
    /// # Errors
    /// The refusal.
    pub fn credit_unapplied(&mut self, id: UnappliedId) -> Result<Unapplied, PaymentRefusal> {
        let asked = Asked { unapplied: Some(id), ..Asked::default() };
        self.decide_on(&asked, |draft| settlement::credit_unapplied(draft).map(|(unapplied, _)| unapplied))
    }

    /// The saved payment methods, also those that were removed.
    pub fn methods(&self) -> impl Iterator<Item = &PaymentMethod> {
        self.methods.values()
    }

    /// The customer removes a saved payment method.
    ///
    /// # Panics
    /// When there is none.
    pub fn remove_method(&mut self, id: PaymentMethodId) {
        let asked = Asked { method: Some(id), ..Asked::default() };
        let removed = self.decide_on(&asked, |draft| settlement::remove_method(draft).ok_or("no such method"));
        removed.expect("a method of this account");
    }
}
