-- name: keys
-- The keys of voters and receipts, wrapped; a few rows.
select contest_id, purpose, wrapped_key from contest_keys
 where purpose in ('voters', 'receipts');

-- name: delete_key
-- Deletes a key permanently.
delete from contest_keys where contest_id = $1 and purpose = $2 returning purpose;

-- name: bind_account
-- The voter that an account is bound to in the contest; $3 if it was bound to none.
select bind_voter_account($1, $2, $3);
