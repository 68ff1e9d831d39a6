-- What is asked of one workspace at a time must not read the uploads of all.
create index data_uploads_of_workspace on data_uploads (workspace_id, created_at);
