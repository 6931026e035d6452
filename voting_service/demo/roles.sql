-- name: login_role_statement
-- The statement that creates a login role with a password, or null when the role exists.
select format('create role %I login createrole password %L', $1::text, $2::text)
 where not exists (select from pg_roles where rolname = $1::text);

-- name: database_exists
-- Whether there is a database of that name.
select exists (select from pg_database where datname = $1);

-- name: grant_roles
-- Creates the application role, which the owner migrates, and adds the application's login to it.
do $$
begin
    if not exists (select from pg_roles where rolname = 'voting_application') then
        create role voting_application nologin;
    end if;
    alter role voting_service nocreaterole;
    grant voting_application to voting_service;
end
$$;
