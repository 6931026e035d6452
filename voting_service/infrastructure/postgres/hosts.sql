-- name: timeline
-- The timeline that a primary writes: each promotion begins a higher one.
select ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int;
