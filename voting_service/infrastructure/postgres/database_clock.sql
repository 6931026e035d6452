-- name: database_time
-- The current time of the database.
select clock_timestamp();
