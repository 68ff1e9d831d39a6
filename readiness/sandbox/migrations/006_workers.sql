create table worker_heartbeats (worker text primary key, status text not null, beat_at timestamptz not null);
create schema cron;
create table cron.job (
    jobid bigint generated always as identity primary key,
    schedule text not null,
    command text not null,
    jobname text unique,
    active boolean not null default true
);
create table cron.job_run_details (
    jobid bigint not null references cron.job,
    runid bigint generated always as identity primary key,
    status text not null,
    start_time timestamptz not null,
    end_time timestamptz
);
insert into cron.job (schedule, command, jobname) values ('* * * * *', 'cleanup', 'CleanupWorker'),
    ('0 0 * * *', 'analytics', 'analytics');
