do $$
declare name text;
begin
    for name in select tablename from pg_tables where schemaname = 'public' loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy service on %I to ingestion_service using (true) with check (true)', name);
    end loop;
end $$;
grant usage on schema cron, supabase_migrations to ingestion_service;
grant select, insert, update, delete on all tables in schema public, cron to ingestion_service;
