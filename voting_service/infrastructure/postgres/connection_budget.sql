-- name: room
-- How many connections the login of this session may have in all, and the server's own port.
select least(
           current_setting('max_connections')::int
           - current_setting('superuser_reserved_connections')::int
           - coalesce(nullif(current_setting('reserved_connections', true), ''), '0')::int,
           (select nullif(rolconnlimit, -1) from pg_roles where rolname = session_user),
           (select nullif(datconnlimit, -1) from pg_database where datname = current_database())
       ) as room,
       inet_server_port() as port;
