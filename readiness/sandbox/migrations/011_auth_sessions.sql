create schema auth;
create table auth.sessions (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    created_at timestamptz not null default now(),
    not_after timestamptz
);
insert into auth.sessions (user_id, created_at, not_after)
select gen_random_uuid(), now() - interval '1 hour' * n, now() + interval '1 hour' * (72 - n)
from generate_series(1, 80) as n;
