create table staging_rows (
    id bigint generated always as identity primary key,
    upload_id uuid not null,
    workspace_id text not null references workspaces,
    row_number integer not null,
    payload jsonb not null,
    validation_status text not null default 'pending',
    validation_error text,
    promoted_at timestamptz,
    created_at timestamptz not null default now()
);
create index staging_rows_upload_id on staging_rows (upload_id);
