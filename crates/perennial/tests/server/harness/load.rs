//! Customers who do many things at once, and remember exactly what they were told.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use domain::time::Instant;
use serde_json::{Value, json};

use super::client::{Answer, Client};
use super::dice::Dice;
use super::shop::purchase;
use super::site::TestSite;

/// One write under an idempotency key, and the answer that came, if one came.
#[derive(Debug, Clone)]
pub(crate) struct Deed {
    pub(crate) key: String,
    pub(crate) path: String,
    pub(crate) body: Value,
    pub(crate) answer: Option<Answer>,
}

impl Deed {
    /// Sends it (again). The answer is kept.
    pub(crate) fn send(&mut self, client: &Client) -> Result<(), ureq::Error> {
        let answer = client.try_call("POST", &self.path, Some(&self.body), Some(&self.key))?;
        assert!(answer.status < 500, "{} {}: {}", self.path, self.body, answer.body);
        self.answer = Some(answer);
        Ok(())
    }

    /// What it did, if it was done.
    pub(crate) fn done(&self) -> Option<&Value> {
        self.answer.as_ref().filter(|answer| answer.status == 201).map(|answer| &answer.body)
    }

    pub(crate) fn is_credit(&self) -> bool {
        self.path.ends_with("/credits")
    }

    pub(crate) fn is_purchase(&self) -> bool {
        self.path == "/v1/orders"
    }
}

/// A customer under load.
#[derive(Debug, Clone)]
pub(crate) struct Customer {
    pub(crate) account: String,
    /// Everything ever sent, in order.
    pub(crate) deeds: Vec<Deed>,
    dice: Dice,
    plans: Vec<&'static str>,
}

impl Customer {
    pub(crate) fn new(account: String, seed: u64, plans: &[&'static str]) -> Self {
        Self { account, deeds: Vec::new(), dice: Dice::seeded(seed), plans: plans.to_vec() }
    }

    /// The next thing to do: mostly buying, some crediting and renewing.
    fn next_deed(&mut self) -> Deed {
        let key = format!("{}-{}", &self.account[self.account.len() - 6..], self.deeds.len());
        let own: Vec<_> = self.deeds.iter().filter(|deed| deed.is_purchase()).filter_map(Deed::done).collect();
        let own = self.dice.pick(&own).and_then(|order| order["resource_id"].as_str()).map(str::to_owned);
        let (path, body) = match (self.dice.below(10), own) {
            (0..3, _) => {
                let amount = 1 + self.dice.below(900);
                let body = json!({"amount": amount, "kind": "cash", "reference": key});
                (format!("/v1/accounts/{}/credits", self.account), body)
            }
            (3..6, Some(resource)) => (format!("/v1/resources/{resource}/renewals"), json!({"terms": 2})),
            (_, _) => {
                let plan = self.dice.pick(&self.plans).expect("a plan");
                let body = purchase(&self.account, plan, &json!({"configuration": {"key": key}}));
                ("/v1/orders".to_owned(), body)
            }
        };
        Deed { key, path, body, answer: None }
    }

    /// Does things until the server is gone or it was enough. Says so after each acknowledged one.
    fn work(mut self, client: &Client, n_max: usize, acknowledged: &Sender<()>) -> Self {
        for _ in 0..n_max {
            let mut deed = self.next_deed();
            let sent = deed.send(client);
            self.deeds.push(deed);
            if sent.is_err() || acknowledged.send(()).is_err() {
                break;
            }
        }
        self
    }
}

/// Customers at work, each in a thread, while the clock may run.
pub(crate) struct Load {
    customers: Vec<JoinHandle<Customer>>,
    clock: Option<JoinHandle<Instant>>,
    acknowledged: Receiver<()>,
}

impl Load {
    /// Lets each customer do up to `n_max` things.
    pub(crate) fn start(site: &TestSite, customers: Vec<Customer>, n_max: usize) -> Self {
        let (sender, acknowledged) = channel();
        let work = |customer: Customer| {
            // Of its own: a customer shares no connection with another.
            let (client, sender) = (Client::new(site.operator.base(), super::OPERATOR_KEY), sender.clone());
            std::thread::spawn(move || customer.work(&client, n_max, &sender))
        };
        Self { customers: customers.into_iter().map(work).collect(), clock: None, acknowledged }
    }

    /// Moves the clock by some hours again and again, until the server is gone.
    pub(crate) fn with_clock(mut self, site: &TestSite, seed: u64) -> Self {
        let (client, mut now) = (Client::new(site.operator.base(), super::OPERATOR_KEY), site.now());
        let mut dice = Dice::seeded(seed);
        self.clock = Some(std::thread::spawn(move || {
            loop {
                let hours = i64::try_from(1 + dice.below(12)).expect("a few hours");
                let to = now.plus_seconds(hours * 3600);
                let moved = client.try_call("POST", "/v1/test-clock/advance", Some(&json!({"to": to})), None);
                let Ok(answer) = moved else { return now };
                assert_eq!(answer.status, 200, "{}", answer.body);
                now = to;
            }
        }));
        self
    }

    /// Waits for so many acknowledged writes.
    pub(crate) fn wait_for(&self, n_acknowledged: u64) {
        for n in 0..n_acknowledged {
            let next = self.acknowledged.recv_timeout(Duration::from_secs(20));
            assert!(next.is_ok(), "no write was acknowledged after the first {n}");
        }
    }

    /// Waits until all have ended. Gives the customers, and the last instant to which the clock was moved.
    pub(crate) fn end(self) -> (Vec<Customer>, Option<Instant>) {
        let customers = self.customers.into_iter().map(|customer| customer.join().expect("the customer's thread"));
        let customers = customers.collect();
        (customers, self.clock.map(|clock| clock.join().expect("the clock's thread")))
    }
}
