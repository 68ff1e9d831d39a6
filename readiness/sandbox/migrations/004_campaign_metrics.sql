create table campaign_metrics (
    id bigint generated always as identity primary key,
    upload_id uuid not null,
    workspace_id text not null references workspaces,
    platform text not null,
    day date not null,
    campaign text not null,
    impressions integer not null,
    clicks integer not null,
    spend numeric(12, 2) not null
);
create index campaign_metrics_upload_id on campaign_metrics (upload_id);
