-- What every area of the schema uses. The files of this folder are applied in the order that
-- migrations/versions/0001_schema.py names.

-- The roles of the services; each file ends with what they may do there, and docs/database-rights.md
-- has the whole table.
--   voting_public       `serve`: the public site
--   voting_staff        `console`: the staff site
--   voting_jobs         `work`: the background jobs
--   voting_application  all of that and what commands do besides; for commands, and for
--                       installations with one login
-- Every process takes the role of its own, whatever its login may do besides. None can change or
-- delete a ballot, an entry of the audit log or an approved proposal. Roles belong to the cluster:
-- where an administrator has made them, the owner needs no right to.
do $$
declare
    processes constant text[] := array['voting_public', 'voting_staff', 'voting_jobs'];
    name text;
begin
    foreach name in array processes || 'voting_application'::text loop
        begin
            if to_regrole(name) is null then
                execute format('create role %I nologin', name);
            end if;
        exception
            when duplicate_object or unique_violation then null;
        end;
    end loop;
    foreach name in array processes loop
        if not pg_has_role('voting_application', name, 'member') then
            execute format('grant %I to voting_application', name);
        end if;
    end loop;
end
$$;

-- Nobody may call a function unless a grant says so: a trigger's function could otherwise be
-- attached to a table of one's own, and would run there with the rights of its owner.
alter default privileges revoke execute on functions from public;

-- For tables whose rows may be added and never changed or deleted.
create function refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception 'rows of % are only added: what stands there stays', tg_table_name
        using errcode = 'check_violation', constraint = 'records_stay';
end
$$;

-- The role that a session took, or else its login; in every function, whatever its owner.
create function acting_role() returns name
language sql stable set search_path = pg_catalog, pg_temp as $$
    select coalesce(nullif(current_setting('role'), 'none'), session_user)::name
$$;

grant execute on function acting_role() to voting_public, voting_staff, voting_jobs;

grant usage on schema public to voting_public, voting_staff, voting_jobs;
grant select on alembic_version to voting_public, voting_staff, voting_jobs;
