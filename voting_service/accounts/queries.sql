-- name: insert_account
-- A new member of the staff; the name is taken once.
insert into accounts (name, role, password_hash, wrapped_totp_secret, created_at)
values ($1, $2, $3, $4, $5)
returning id;

-- name: accounts
-- Everybody, without secrets.
select id, name, role, disabled, created_at from accounts order by id;

-- name: credentials
-- What a sign-in is checked against.
select id, name, role, disabled, created_at, password_hash, wrapped_totp_secret, last_totp_step
  from accounts
 where name = $1;

-- name: disable_account
-- Shuts an account for good; its past decisions stand.
update accounts set disabled = true where name = $1 returning id;

-- name: spend_totp_step
-- Takes a code; no row when it, or a later one, was taken before. Keeps a renewed hash.
update accounts set last_totp_step = $2, password_hash = $3
 where id = $1 and last_totp_step < $2 and not disabled
returning id;

-- name: begin_try
-- Counts a try before it is checked, so that tries made at once cannot outrun the delay: after
-- $4 free ones each doubles it, up to $5 seconds. No row while the delay lasts.
insert into sign_in_failures as f (name, source, tries, tried_at, retry_at)
values ($1, $2, 1, $3, $3)
on conflict (name, source) do update
   set tries = f.tries + 1,
       tried_at = $3,
       retry_at = $3 + interval '1 second'
                     * case when f.tries + 1 < $4 then 0
                            else least($5::integer, 2 ^ least(f.tries + 1 - $4, 20)) end
 where f.retry_at <= $3
returning tries;

-- name: retry_at
-- When the next try from there is looked at.
select retry_at from sign_in_failures where name = $1 and source = $2;

-- name: forget_failures
-- After a good sign-in from there; and whatever is older than $3, whoever tried it.
delete from sign_in_failures where (name = $1 and source = $2) or tried_at < $3;
