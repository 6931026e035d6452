-- What every area of the schema uses. The files of this folder are applied in the order that
-- migrations/versions/0001_schema.py names.

-- The services connect as a login role that is a member of this one. Each file ends with what it
-- may do there: what the services do and no more. It can neither change nor delete a ballot, an
-- entry of the audit log or an approved proposal.
do $$
begin
    create role voting_application nologin;
exception
    when duplicate_object or unique_violation then null;
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

grant usage on schema public to voting_application;
grant select on alembic_version to voting_application;
