-- name: known_winners
-- How many of these persons are earlier winners already.
select count(*) from nomination.earlier_winners where person_hash = any ($1::bytea[]);

-- name: change_contacts
-- Whom to ask from now on.
select nomination.change_contacts($1, $2);
