-- name: login_role_statement
-- The statement that creates a login role with a password, or null when the role exists.
select format('create role %I login password %L', $1::text, $2::text)
 where not exists (select from pg_roles where rolname = $1::text);

-- name: database_exists
-- Whether there is a database of that name.
select exists (select from pg_database where datname = $1);

-- name: grant_roles
-- Creates the roles of the services, as docs/operators.md has an administrator do it, and adds the
-- logins to them.
do $$
declare
    name text;
begin
    foreach name in array array['voting_public', 'voting_staff', 'voting_jobs',
                                'voting_application'] loop
        if to_regrole(name) is null then
            execute format('create role %I nologin', name);
        end if;
    end loop;
    grant voting_public, voting_staff, voting_jobs to voting_application;
    grant voting_application to voting_service;
    grant voting_public to voting_web;
    grant voting_staff to voting_desk;
    grant voting_jobs to voting_work;
end
$$;
