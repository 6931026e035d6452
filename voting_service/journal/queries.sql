-- name: insert_entry
-- A new line; the table chains it to the one before.
insert into journal (actor, act, contest, subject, details) values ($1, $2, $3, $4, $5);
