create table storage_retention (bucket text primary key, days integer not null);
insert into storage_retention values ('uploads', 30);
