-- name: insert_key
-- A contest's key, wrapped.
insert into contest_keys (contest_id, purpose, wrapped_key) values ($1, $2, $3);

-- name: keys
-- All keys, wrapped; a few rows.
select contest_id, purpose, wrapped_key from contest_keys;

-- name: delete_key
-- Destroys a key for good.
delete from contest_keys where contest_id = $1 and purpose = $2 returning purpose;
