-- Ids are 16 bytes, big end first: byte order is creation order. Instants are seconds since 1970. Money is minor units.
-- Tables are clustered by account where they are read by account, so one account's rows share pages.

create table meta (
    key   text not null primary key,
    value text not null
) strict, without rowid;

create table product (
    code    text    not null,
    version integer not null,
    body    text    not null,  -- JSON of the whole version
    primary key (code, version)
) strict, without rowid;

create table plan (
    product  text    not null,
    code     text    not null,
    unit     text    not null check (unit in ('hour', 'day', 'month', 'year')),
    count    integer not null check (count > 0),
    currency text    not null,
    primary key (product, code)
) strict, without rowid;

create table price (
    product        text    not null,
    plan           text    not null,
    number         integer not null,
    price          integer not null check (price >= 0),
    effective_from integer not null,
    renewals_from  integer not null check (renewals_from >= effective_from),  -- P-5
    primary key (product, plan, number),
    foreign key (product, plan) references plan (product, code)
) strict, without rowid;

-- What was sold under a price stays explainable (P-5).
create trigger price_is_kept before update on price begin select raise(abort, 'price_is_kept'); end;
create trigger price_is_not_deleted before delete on price begin select raise(abort, 'price_is_kept'); end;

-- The wallet lies in the account's row: whoever changes it holds the account.
create table account (
    account_id   blob    not null primary key check (length(account_id) = 16),
    name         text    not null,
    email        text    not null,
    currency     text    not null,
    created_at   integer not null,
    cash         integer not null default 0,
    gift         integer not null default 0 check (gift >= 0),
    frozen       integer not null default 0 check (frozen >= 0),
    credit_limit integer not null default 0 check (credit_limit >= 0),
    n_entries    integer not null default 0,
    remind_at    integer,
    due_at       integer,  -- the earliest of remind_at and its resources' due_at
    constraint account_credit_limit check (cash + credit_limit >= 0)  -- W-1
) strict, without rowid;

create index account_due on account (due_at) where due_at is not null;

create table api_key (
    api_key_id blob    not null primary key,
    account_id blob,  -- null: the operator's
    name       text    not null,
    hash       blob    not null check (length(hash) = 32),
    created_at integer not null,
    constraint api_key_hash_key unique (hash)
) strict, without rowid;

create table freeze (
    freeze_id  blob    not null primary key,
    account_id blob    not null,
    amount     integer not null check (amount > 0),
    reason     text    not null,
    created_at integer not null,
    lifted_at  integer
) strict, without rowid;

create index freeze_account on freeze (account_id);

create table resource (
    account_id           blob    not null,
    resource_id          blob    not null check (length(resource_id) = 16),
    product              text    not null,
    product_version      integer not null,
    plan                 text    not null,
    terms                integer not null check (terms > 0),
    quantity             integer not null check (quantity > 0),
    configuration        text    not null,
    auto_renew           integer not null check (auto_renew in (0, 1)),
    state                text    not null
        check (state in ('active', 'expired', 'suspended', 'released', 'deleted')),
    started_at           integer not null,
    term_started_at      integer not null,
    expires_at           integer not null,
    run_unit             text    not null,
    run_anchor           integer not null,
    run_count            integer not null,
    attempted_at         integer,
    switched_on_at       integer,
    arrears_until        integer,
    told_at              integer,
    suspension_warned_at integer,
    suspended_at         integer,
    release_warned_at    integer,
    ended_at             integer,
    due_at               integer,  -- when its next step is due
    primary key (account_id, resource_id),
    constraint resource_period check (term_started_at < expires_at),
    constraint resource_end check ((state in ('released', 'deleted')) = (ended_at is not null))
) strict, without rowid;

create unique index resource_key on resource (resource_id);
create index resource_due on resource (account_id, due_at) where due_at is not null;

-- Orders are documents: what they say never changes, only where they stand.
create table "order" (
    account_id    blob    not null,
    order_id      blob    not null check (length(order_id) = 16),
    kind          text    not null,
    state         text    not null
        check (state in ('pending_payment', 'completed', 'closed', 'unpaid', 'revoked')),
    "trigger"     text    not null,
    amount        integer not null,
    currency      text    not null,
    resource_id   blob,
    license_id    blob,
    product       text,
    plan          text,
    lines         text    not null,  -- JSON
    starts_at     integer,
    ends_at       integer,
    created_at    integer not null,
    completed_at  integer,
    superseded_by blob,
    terms_version text,  -- B-2
    slot          integer,  -- 0: a charge, 1: an arrears order, null: neither
    primary key (account_id, order_id),
    constraint order_period check (starts_at is null or starts_at < ends_at)
) strict, without rowid;

create unique index order_key on "order" (order_id);
-- R-8: one charge for each resource and period start. C-2: one arrears order for each resource and day.
create unique index order_period_key on "order" (resource_id, starts_at, slot) where resource_id is not null;
create index order_unpaid on "order" (resource_id) where state = 'unpaid';

create trigger order_is_a_document
before update of account_id, order_id, kind, "trigger", amount, currency, resource_id, license_id, product, plan, lines,
    starts_at, ends_at, created_at, terms_version, slot on "order"
begin select raise(abort, 'order_is_a_document'); end;
create trigger order_is_kept before delete on "order" begin select raise(abort, 'order_is_a_document'); end;

-- W-2: one row is one balanced set of postings; append-only.
create table entry (
    account_id blob    not null,
    number     integer not null check (number > 0),
    entry_id   blob    not null,
    at         integer not null,
    reason     text    not null,
    cash       integer not null,
    gift       integer not null,
    revenue    integer not null,
    funding    integer not null,
    promotion  integer not null,
    cash_after integer not null,
    gift_after integer not null,
    order_id   blob,
    reference  text,
    primary key (account_id, number),
    constraint entry_balance check (cash + gift + revenue + funding + promotion = 0)
) strict, without rowid;

create trigger entry_is_not_changed before update on entry begin select raise(abort, 'entry_is_append_only'); end;
create trigger entry_is_not_deleted before delete on entry begin select raise(abort, 'entry_is_append_only'); end;

create table attempt (
    resource_id blob    not null,
    attempt_id  blob    not null,
    at          integer not null,
    outcome     text    not null,
    reason      text,
    price       integer,
    available   integer not null,
    order_id    blob,
    primary key (resource_id, attempt_id)
) strict, without rowid;

create table event (
    account_id blob    not null,
    event_id   blob    not null check (length(event_id) = 16),
    type       text    not null,
    at         integer not null,
    subject    text    not null,
    data       text    not null,  -- JSON
    primary key (account_id, event_id)
) strict, without rowid;

-- The feed of all accounts, in order. A type is looked for in this small index, not in the rows.
create unique index event_feed on event (event_id, type);

-- B-8: what a key did, so that a repeat gives the same answer.
create table idempotency (
    scope       blob    not null,  -- the caller's account; empty: the operator
    key         text    not null,
    fingerprint blob    not null,
    reply       text    not null,  -- JSON
    created_at  integer not null,
    primary key (scope, key)
) strict, without rowid;

create index idempotency_age on idempotency (created_at);
