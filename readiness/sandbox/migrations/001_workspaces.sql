create table workspaces (id text primary key, name text not null, internal boolean not null default false);
create table workspace_settings (
    workspace_id text primary key references workspaces,
    ingestion_paused boolean not null default false,
    paused_reason text,
    updated_at timestamptz not null default now()
);
