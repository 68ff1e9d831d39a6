create table feature_flags (
    name text primary key,
    enabled boolean not null default false,
    rollout_share numeric not null default 0,
    allowlist text[] not null default '{}',
    updated_at timestamptz not null default now()
);
