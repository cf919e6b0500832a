-- Payments on platforms (B-3, B-6, R-15, W-3).

-- Orders that are or were to be paid on a platform, and what for. The row stays: late money needs it (B-6).
create table bill (
    account_id blob    not null,
    order_id   blob    not null,
    closes_at  integer not null,  -- until when it can be paid
    due_at     integer,  -- when it closes by itself; null: it was paid or closed, or who made it closes it (R-15)
    closed_at  integer,
    cause      text    not null,  -- JSON
    primary key (account_id, order_id)
) strict, without rowid;

insert into bill (account_id, order_id, closes_at, due_at, cause)
select account_id, order_id, closes_at, closes_at, '{"purchase":' || purchase || '}' from pending_purchase;

drop table pending_purchase;

create index bill_due on bill (account_id, due_at) where due_at is not null;

-- One try to get the money for an order. Stored before the platform hears of it.
create table payment (
    account_id   blob    not null,
    payment_id   blob    not null check (length(payment_id) = 16),
    order_id     blob    not null,
    platform     text    not null check (platform in ('sandbox', 'stripe', 'bank_transfer')),
    is_live      integer not null check (is_live in (0, 1)),
    means        text    not null check (means in ('checkout', 'off_session')),
    state        text    not null
        check (state in ('created', 'processing', 'succeeded', 'failed', 'expired', 'unknown', 'quarantined')),
    amount       integer not null check (amount > 0),
    currency     text    not null,
    reference    text,
    movement     text,
    page         text,
    method_id    blob,
    created_at   integer not null,
    check_at     integer,  -- when the platform is asked next
    n_silent     integer not null,
    settled_at   integer,
    disputed_at  integer,
    reason       text,
    entry_number integer,
    primary key (account_id, payment_id),
    constraint payment_settled check ((state in ('succeeded', 'quarantined')) = (settled_at is not null)),
    constraint payment_booked check ((state = 'succeeded') = (entry_number is not null))
) strict, without rowid;

create unique index payment_key on payment (payment_id);
-- While one may bring money there is no other.
create unique index payment_open_key on payment (order_id) where state in ('created', 'processing', 'unknown');
-- What a platform calls by one name is one payment, and money that moved once is booked once.
create unique index payment_reference_key on payment (platform, reference) where reference is not null;
create unique index payment_movement_key on payment (platform, movement) where movement is not null;
create index payment_order on payment (order_id, payment_id);
create index payment_due on payment (check_at, payment_id) where check_at is not null;

-- What is known of money is never unlearned.
create trigger payment_is_monotone before update of state on payment
when (old.state in ('succeeded', 'quarantined') and new.state <> old.state)
    or (old.state in ('failed', 'expired') and new.state not in (old.state, 'succeeded', 'quarantined'))
begin select raise(abort, 'payment_is_monotone'); end;
create trigger payment_is_kept before delete on payment begin select raise(abort, 'payment_is_kept'); end;
create trigger payment_asks_the_same
before update of account_id, payment_id, order_id, platform, is_live, means, amount, currency, created_at on payment
begin select raise(abort, 'payment_asks_the_same'); end;

-- The money of a payment is booked once.
alter table entry add column payment_id blob;
create unique index entry_payment_key on entry (payment_id) where payment_id is not null;

create table payment_method (
    account_id        blob    not null,
    payment_method_id blob    not null check (length(payment_method_id) = 16),
    platform          text    not null,
    customer          text    not null,
    reference         text    not null,
    label             text    not null,
    created_at        integer not null,
    removed_at        integer,
    primary key (account_id, payment_method_id)
) strict, without rowid;

create unique index payment_method_key on payment_method (payment_method_id);

-- Money that came in and that nothing could take (B-6). It may name no account of ours.
create table unapplied (
    unapplied_id blob    not null primary key check (length(unapplied_id) = 16),
    account_id   blob,
    order_id     blob,
    payment_id   blob,
    platform     text    not null,
    movement     text    not null,
    amount       integer not null check (amount > 0),
    currency     text    not null,
    reason       text    not null,
    at           integer not null,
    state        text    not null check (state in ('held', 'credited', 'refunding', 'refunded')),
    credited_to  blob,
    resolved_at  integer,
    constraint unapplied_credited check ((state = 'credited') = (credited_to is not null))
) strict, without rowid;

create unique index unapplied_movement_key on unapplied (platform, movement);
create index unapplied_state on unapplied (state, unapplied_id);
create trigger unapplied_goes_once before update of state on unapplied
when old.state in ('credited', 'refunded') and new.state <> old.state
begin select raise(abort, 'unapplied_goes_once'); end;
create trigger unapplied_is_kept before delete on unapplied begin select raise(abort, 'unapplied_is_kept'); end;

-- R-15: what a license is charged to, and the renewal that a platform is asked to pay now.
alter table license add column card_method_id blob;
alter table license add column card_platform text;
alter table license add column card_is_live integer;
alter table license add column charging_order_id blob;
alter table license add column charging_since integer;
alter table license add column charging_until integer;

-- R-8: an order that was closed, unpaid, charges nothing; the next try of the same period takes its place.
drop index order_period_key;
create unique index order_period_key on "order" (resource_id, starts_at, slot)
    where resource_id is not null and state <> 'closed';
drop index order_license_period_key;
create unique index order_license_period_key on "order" (license_id, starts_at, slot)
    where license_id is not null and state <> 'closed';

-- What an order says never changes. Only what was paid on a platform starts when it is paid (L-2), so then, once, it says
-- what it is about and from when to when.
drop trigger order_is_a_document;
create trigger order_is_a_document
before update of account_id, order_id, kind, "trigger", amount, currency, product, plan, created_at, terms_version, slot
    on "order"
begin select raise(abort, 'order_is_a_document'); end;
create trigger order_is_dated_once before update of resource_id, license_id, lines, starts_at, ends_at on "order"
when not (old.state in ('pending_payment', 'closed') and new.state = 'completed')
begin select raise(abort, 'order_is_a_document'); end;
