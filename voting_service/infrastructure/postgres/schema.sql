-- name: schema_revision
-- The newest migration that was applied.
select version_num from alembic_version;

-- name: mark_session
-- Writes a mark into the session.
select set_config('voting.session_mark', $1, false);

-- name: session_mark
-- The mark of the session; empty if it has none.
select coalesce(current_setting('voting.session_mark', true), '');
