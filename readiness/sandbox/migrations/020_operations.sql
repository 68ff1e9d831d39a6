-- What the people behind the service write down. The probe may read it by a grant of its own.
create schema operations;
create table operations.audit_trail (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,
    action text not null,
    by_hand boolean not null
);
create table operations.pages (at timestamptz not null, who text not null, summary text not null);
create table operations.support_requests (at timestamptz not null, subject text not null);
create table operations.incidents (
    id text primary key,
    title text not null,
    started_at timestamptz not null,
    ended_at timestamptz
);
-- Those who watch write down when: ahead too, for a sandbox lives for hours and nobody sits in it. What comes back is
-- there for as long as it is looked back at; what is held once, for each launch of the last eight days.
create table operations.reviews_held (review text not null, at timestamptz not null);
insert into operations.reviews_held
    select review, now() + interval '4 minutes' * n
    from generate_series(-30, 180) as n, unnest(array['launch400k/metrics', 'umbrella/health']) as review;
insert into operations.reviews_held
    select 'ingestion/health', now() + interval '50 minutes' * n from generate_series(-36, 15) as n;
insert into operations.reviews_held
    select review, now() + interval '6 hours' * n
    from generate_series(-33, 2) as n, unnest(array['umbrella/daily', 'agency/daily', 'playbook/daily']) as review;
insert into operations.reviews_held
    select review, now() + interval '75 minutes' * n
    from generate_series(-160, 10) as n, unnest(array['ingestion/review-1h', 'ingestion/review-4h',
        'ingestion/review-24h', 'launch400k/assessment', 'launch400k/review', 'launch400k/review-24h']) as review;
insert into operations.audit_trail (at, actor, action, by_hand)
    select now() - interval '11 hours' * n, 'deployer', 'configuration applied', false from generate_series(1, 120) as n;
insert into operations.audit_trail (at, actor, action, by_hand)
    values (now() - interval '20 days', 'ada', 'restarted the parser', true);
insert into operations.pages values
    (now() - interval '12 days', 'ada', 'storage refused uploads'), (now() - interval '26 days', 'bo', 'disk filling');
insert into operations.support_requests
    select now() - interval '7 hours' * n + interval '1 hour', 'how do I upload' from generate_series(1, 160) as n;
insert into operations.incidents values
    ('INC-7', 'storage refused uploads', now() - interval '12 days', now() - interval '12 days' + interval '42 minutes');
grant usage on schema operations to readiness_probe;
grant select on all tables in schema operations to readiness_probe;
