create table circuit_breaker_state (
    name text primary key,
    state text not null default 'closed',
    failures integer not null default 0,
    opened_at timestamptz,
    updated_at timestamptz not null default now()
);
create table circuit_breaker_events (
    id bigint generated always as identity primary key,
    name text not null,
    from_state text not null,
    to_state text not null,
    at timestamptz not null default now()
);
