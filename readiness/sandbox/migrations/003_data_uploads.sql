create table data_uploads (
    id uuid primary key default gen_random_uuid(),
    workspace_id text not null references workspaces,
    platform text not null,
    source text not null,
    status text not null default 'pending',
    row_count integer,
    error_code text,
    error_text text,
    object_path text,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    completed_at timestamptz
);
create index data_uploads_created_at on data_uploads (created_at);
create index data_uploads_status on data_uploads (status) where status <> 'completed';
