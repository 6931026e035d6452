-- name: replace_clock
-- Renames the functions that tell the machine's time and puts ours in their place, so that the
-- schema, which is created afterwards, takes ours. Only a superuser can; other databases keep theirs.
alter function pg_catalog.clock_timestamp() rename to machine_clock_timestamp;
alter function pg_catalog.now() rename to machine_now;
create table public.rehearsal_clock (
    is_the_row boolean primary key default true check (is_the_row),
    ahead      interval not null
);
insert into public.rehearsal_clock (ahead) values ('0');
grant select on public.rehearsal_clock to public;
create function pg_catalog.clock_timestamp() returns timestamptz
language sql volatile parallel restricted as
    'select machine_clock_timestamp() + ahead from public.rehearsal_clock';
create function pg_catalog.now() returns timestamptz
language sql stable parallel restricted as
    'select machine_now() + ahead from public.rehearsal_clock';

-- name: move_clock
-- Sets how far the rehearsal's time is ahead of the machine's.
update public.rehearsal_clock set ahead = $1;
