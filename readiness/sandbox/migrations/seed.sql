-- Seven days of history: some 5,000 uploads, under 1 % of them failed, none slow, none in flight.
select setseed(0.42);
insert into workspaces values
    ('ws_internal', 'Internal test', true), ('ws_internal_2', 'Internal demo', true),
    ('ws_acme', 'Acme', false), ('ws_globex', 'Globex', false), ('ws_initech', 'Initech', false);
insert into workspace_settings (workspace_id) select id from workspaces;
insert into feature_flags (name, enabled, rollout_share, allowlist)
    values ('ingestion_v2_enabled', false, 0, '{ws_internal}');
insert into circuit_breaker_state (name) values ('database'), ('storage'), ('parser'), ('promotion');
insert into circuit_breaker_events (name, from_state, to_state, at) values
    ('storage', 'closed', 'open', now() - interval '9 days'),
    ('storage', 'open', 'closed', now() - interval '9 days' + interval '4 minutes');
insert into data_uploads
    (workspace_id, platform, source, status, row_count, error_code, error_text, object_path,
     created_at, started_at, completed_at)
select
    (array['ws_acme', 'ws_globex', 'ws_initech'])[1 + n % 3], (array['meta', 'google', 'tiktok'])[1 + n % 3], 'api',
    case when n % 151 = 75 then 'failed' else 'completed' end,
    case when n % 151 = 75 then null else 2 + n % 5 end,
    case when n % 151 = 75 then 'invalid_csv' end,
    case when n % 151 = 75 then 'the header is not day,campaign,impressions,clicks,spend' end,
    'seed/' || n || '.csv', born, born + interval '1 second', born + interval '3 seconds' * (1 + random() * 12)
from (
    -- 120 of them in the last hour, the rest spread over the week before
    select n, case when n <= 120 then now() - interval '25 seconds' * n - interval '60 seconds'
                   else now() - interval '1 hour' - interval '123 seconds' * (n - 120) end as born
    from generate_series(1, 4900) as n
) as history;
insert into campaign_metrics (upload_id, workspace_id, platform, day, campaign, impressions, clicks, spend)
select id, workspace_id, platform, created_at::date - 1, 'campaign ' || k, 1000 * k, 10 * k, 1.5 * k
from data_uploads, generate_series(1, row_count) as k where status = 'completed';
